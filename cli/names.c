/* names: lookups by name in sorted arrays of keys (see names.h). */
#include "cli/names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "cli/text.h"

#define KEY_BYTES 64

struct entry {
    char key[KEY_BYTES]; /* make_key */
    uint32_t number;
};

struct names {
    const struct genesis *genesis;
    struct entry *participants; /* sorted by key */
    size_t participant_count;
    struct entry *schemes;
    size_t scheme_count;
    char made_up[32];
};

static const struct {
    uint32_t role;
    const char *name;
} role_names[] = {
    {ROLE_BANK, "BANK"},       {ROLE_FINTECH, "FINTECH"},   {ROLE_NETWORK, "NETWORK"},
    {ROLE_AGENT, "AGENT"},     {ROLE_OPERATOR, "OPERATOR"}, {ROLE_AUDITOR, "AUDITOR"},
    {ROLE_INSURER, "INSURER"}, {ROLE_FUND, "FUND"},
};

/* A word as a key: letters and digits, ASCII ones in lower case, everything between them one dash.
   Unlike name_slug it keeps what is not ASCII: two banks must not become one because their names
   are not Latin. False if there is nothing to look up, or too much. */
static bool make_key(const char *word, char ret_key[KEY_BYTES])
{
    size_t used = 0;
    bool plain_number = true;
    for (const char *at = word; *at != '\0'; at++) {
        unsigned char character = (unsigned char)*at;
        plain_number = plain_number && isdigit(character);
        bool kept = character >= 128 || isalnum(character);
        if (kept || (used > 0 && ret_key[used - 1] != '-')) {
            if (used + 1 == KEY_BYTES) {
                return false;
            }
            ret_key[used++] = (char)(!kept             ? '-'
                                     : character < 128 ? tolower(character)
                                                       : character);
        }
    }
    used -= used > 0 && ret_key[used - 1] == '-' ? 1 : 0;
    ret_key[used] = '\0';
    /* "-5" and "5%" are not participant 5. */
    return used > 0 && (plain_number || strspn(ret_key, "0123456789") < used);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *first = a, *second = b;
    int order = strcmp(first->key, second->key);
    if (order == 0) {
        order = first->number < second->number ? -1 : first->number > second->number ? 1 : 0;
    }
    return order;
}

static void add_key(struct entry *entries, size_t *count, const char *word, uint32_t number)
{
    struct entry *entry = &entries[*count];
    entry->number = number;
    *count += make_key(word, entry->key) ? 1 : 0;
}

static void sort_entries(struct entry *entries, size_t *count)
{
    qsort(entries, *count, sizeof *entries, compare_entries);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || compare_entries(&entries[kept - 1], &entries[i]) != 0) {
            entries[kept++] = entries[i];
        }
    }
    *count = kept;
}

struct names *names_new(const struct genesis *genesis)
{
    struct names *names = calloc(1, sizeof *names);
    CHECK(names != NULL);
    names->genesis = genesis;
    names->participants = calloc(4 * (size_t)genesis->participant_count + 1, sizeof(struct entry));
    names->schemes = calloc(2 * (size_t)genesis->scheme_count + 1, sizeof(struct entry));
    CHECK(names->participants != NULL && names->schemes != NULL);
    char number[16];
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const struct genesis_participant *own = &genesis->participants[i];
        snprintf(number, sizeof number, "%u", own->number);
        add_key(names->participants, &names->participant_count, number, own->number);
        add_key(names->participants, &names->participant_count, own->bic, own->number);
        add_key(names->participants, &names->participant_count, own->clearing_code, own->number);
        add_key(names->participants, &names->participant_count, own->name, own->number);
    }
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        const struct genesis_scheme *own = &genesis->schemes[i];
        snprintf(number, sizeof number, "%u", own->number);
        add_key(names->schemes, &names->scheme_count, number, own->number);
        add_key(names->schemes, &names->scheme_count, own->name, own->number);
    }
    sort_entries(names->participants, &names->participant_count);
    sort_entries(names->schemes, &names->scheme_count);
    return names;
}

void names_free(struct names *names)
{
    if (names != NULL) {
        free(names->participants);
        free(names->schemes);
        free(names);
    }
}

const struct genesis *names_genesis(const struct names *names)
{
    return names->genesis;
}

static enum status find(const struct entry *entries, size_t count, const char *word,
                        uint32_t *ret_number)
{
    struct entry wanted = {.number = 0};
    if (!make_key(word, wanted.key)) {
        return STATUS_NOT_FOUND;
    }
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(entries[middle].key, wanted.key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count || strcmp(entries[low].key, wanted.key) != 0) {
        return STATUS_NOT_FOUND;
    }
    if (low + 1 < count && strcmp(entries[low + 1].key, wanted.key) == 0) {
        return STATUS_EXISTS;
    }
    *ret_number = entries[low].number;
    return STATUS_OK;
}

enum status names_participant(const struct names *names, const char *word, uint32_t *ret_number)
{
    return find(names->participants, names->participant_count, word, ret_number);
}

enum status names_scheme(const struct names *names, const char *word, uint16_t *ret_number)
{
    uint32_t number;
    enum status status = find(names->schemes, names->scheme_count, word, &number);
    if (status == STATUS_OK) {
        *ret_number = (uint16_t)number;
    }
    return status;
}

enum status names_service(const struct names *names, const char *word, uint16_t *ret_number)
{
    const struct genesis *genesis = names->genesis;
    char wanted[KEY_BYTES], own[KEY_BYTES], number[16];
    if (!make_key(word, wanted)) {
        return STATUS_NOT_FOUND;
    }
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        bool named = make_key(genesis->services[i].name, own);
        snprintf(number, sizeof number, "%u", genesis->services[i].number);
        if ((named && strcmp(wanted, own) == 0) || strcmp(wanted, number) == 0) {
            *ret_number = genesis->services[i].number;
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

enum status names_currency(const struct names *names, const char *word,
                           const struct genesis_currency **ret_currency)
{
    const struct genesis *genesis = names->genesis;
    uint64_t numeric = UINT64_MAX;
    if (number_parse(word, 999, &numeric) != STATUS_OK) {
        numeric = UINT64_MAX;
    }
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        const struct genesis_currency *own = &genesis->currencies[i];
        if (strcasecmp(own->code, word) == 0 || own->numeric == numeric) {
            *ret_currency = own;
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

/* The text is a cache of the last made-up name, not state, so a const names may make one. */
static const char *made_up(const struct names *names, uint32_t number)
{
    struct names *writable = (struct names *)(uintptr_t)names;
    snprintf(writable->made_up, sizeof writable->made_up, "%u", number);
    return writable->made_up;
}

const char *names_participant_name(const struct names *names, uint32_t number)
{
    if (number == 0) {
        return "hub";
    }
    const struct genesis_participant *own = genesis_participant(names->genesis, number);
    return own != NULL ? own->name : made_up(names, number);
}

const char *names_scheme_name(const struct names *names, uint16_t number)
{
    if (number == 0) {
        return "";
    }
    const struct genesis_scheme *own = genesis_scheme(names->genesis, number);
    return own != NULL ? own->name : made_up(names, number);
}

const char *names_currency_code(const struct names *names, uint16_t numeric)
{
    const struct genesis_currency *own = genesis_currency(names->genesis, numeric);
    return own != NULL ? own->code : made_up(names, numeric);
}

unsigned names_exponent(const struct names *names, uint16_t numeric)
{
    const struct genesis_currency *own = genesis_currency(names->genesis, numeric);
    return own != NULL ? own->exponent : 0;
}

void roles_format(uint32_t roles, char ret_text[ROLES_TEXT_BYTES])
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if ((roles & role_names[i].role) != 0) {
            int wrote = snprintf(ret_text + used, ROLES_TEXT_BYTES - used, "%s%s",
                                 used > 0 ? " " : "", role_names[i].name);
            used += (size_t)wrote;
            CHECK(used < ROLES_TEXT_BYTES);
        }
    }
}

uint32_t role_of_name(const char *word)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (strcasecmp(word, role_names[i].name) == 0) {
            return role_names[i].role;
        }
    }
    return 0;
}
