/* plan: participants.json into a genesis, part by part (see plan.h). */
#include "cli/plan.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "cli/names.h"
#include "cli/text.h"
#include "node/file.h"
#include "node/genesis_file.h"

#define DEFAULT_CAP_MAJOR 1000000000ull /* of a participant without a limit of its own */

static const char built_in[] =
    "{\"network\":\"hefu-testnet\",\"utc_offset_minutes\":480,"
    "\"currencies\":[{\"code\":\"CNY\",\"numeric\":156,\"decimals\":2}],"
    "\"services\":[{\"number\":1,\"name\":\"card clearing\",\"currency\":\"CNY\","
    "\"mode\":\"DEFERRED\",\"settlement\":\"PREFUNDED\",\"cutoffs\":[\"23:00\"],"
    "\"funding_window_s\":3600},"
    "{\"number\":2,\"name\":\"gross settlement\",\"currency\":\"CNY\",\"mode\":\"GROSS\","
    "\"settlement\":\"PREFUNDED\"}],"
    "\"schemes\":[{\"number\":1,\"name\":\"debit purchase\",\"service\":\"card clearing\","
    "\"network\":\"lianhe-card-network\",\"submitters\":[\"payee\",\"network\"]},"
    "{\"number\":2,\"name\":\"co-branded credit card\",\"service\":\"card clearing\","
    "\"network\":\"lianhe-card-network\",\"submitters\":[\"payee\",\"network\"]},"
    "{\"number\":3,\"name\":\"contactless\",\"service\":\"card clearing\","
    "\"network\":\"lianhe-card-network\",\"submitters\":[\"payee\",\"network\"]},"
    "{\"number\":4,\"name\":\"instalment payout\",\"service\":\"card clearing\","
    "\"submitters\":[\"payer\",\"payee\"]},"
    "{\"number\":5,\"name\":\"gross payment\",\"service\":\"gross settlement\","
    "\"submitters\":[\"payer\"]}],"
    "\"participants\":[{\"number\":1,\"name\":\"Qingyun Fintech\",\"roles\":[\"FINTECH\"]},"
    "{\"number\":2,\"name\":\"Lianhe Card Network\",\"roles\":[\"NETWORK\"]},"
    "{\"number\":3,\"name\":\"Harbour Bank\",\"roles\":[\"BANK\"]},"
    "{\"number\":4,\"name\":\"Lotus Bank\",\"roles\":[\"BANK\"]},"
    "{\"number\":5,\"name\":\"Jade River Bank\",\"roles\":[\"BANK\"]},"
    "{\"number\":6,\"name\":\"Red Maple Bank\",\"roles\":[\"BANK\"]},"
    "{\"number\":7,\"name\":\"Great Plain Bank\",\"roles\":[\"BANK\"]},"
    "{\"number\":608,\"name\":\"Settlement Agent\",\"roles\":[\"AGENT\"]},"
    "{\"number\":609,\"name\":\"Operator\",\"roles\":[\"OPERATOR\"]},"
    "{\"number\":610,\"name\":\"Auditor\",\"roles\":[\"AUDITOR\"]}]}";

/* Where the reading stands, for errors; the first error wins. */
struct reading {
    const char *source;
    char place[96]; /* "participants[3]." */
    char *error;
    size_t capacity;
    bool failed;
    struct genesis *genesis;
};

static void fail(struct reading *reading, const char *member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct reading *reading, const char *member, const char *format, ...)
{
    if (reading->failed) {
        return;
    }
    reading->failed = true;
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(reading->error, reading->capacity, "%s: %s%s: %s", reading->source, reading->place,
             member, what);
}

/* Whether object is one whose members are all among known (separated by spaces). */
static bool check_members(struct reading *reading, json_t *object, const char *known)
{
    if (!json_is_object(object)) {
        fail(reading, "", "expected an object");
        return false;
    }
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t length = strlen(name);
        const char *at = strstr(known, name);
        while (at != NULL &&
               ((at != known && at[-1] != ' ') || (at[length] != ' ' && at[length] != '\0'))) {
            at = strstr(at + 1, name);
        }
        if (at == NULL || length == 0) {
            fail(reading, name, "there is no such member here; known are: %s", known);
            return false;
        }
    }
    return true;
}

static const char *get_text(struct reading *reading, json_t *object, const char *name,
                            const char *fallback)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL && fallback != NULL) {
        return fallback;
    }
    if (!json_is_string(value)) {
        fail(reading, name, "expected a text");
        return "";
    }
    return json_string_value(value);
}

static void copy_text(struct reading *reading, json_t *object, const char *name,
                      const char *fallback, char *ret_text, size_t capacity)
{
    const char *text = get_text(reading, object, name, fallback);
    if (strlen(text) >= capacity) {
        fail(reading, name, "expected at most %zu bytes", capacity - 1);
        return;
    }
    memcpy(ret_text, text, strlen(text) + 1);
}

static int64_t get_number(struct reading *reading, json_t *object, const char *name,
                          int64_t fallback, int64_t min, int64_t max)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL && fallback >= min) {
        return fallback;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        fail(reading, name, "expected a whole number from %lld to %lld", (long long)min,
             (long long)max);
        return min;
    }
    return json_integer_value(value);
}

static json_t *get_array(struct reading *reading, json_t *object, const char *name, size_t max)
{
    json_t *value = json_object_get(object, name);
    if (value != NULL && !json_is_array(value)) {
        fail(reading, name, "expected a list");
        return NULL;
    }
    if (json_array_size(value) > max) {
        fail(reading, name, "%zu of them, at most %zu", json_array_size(value), max);
        return NULL;
    }
    return value;
}

/* The index of a word in a list of words separated by spaces; -1 if it is none of them. */
static int word_index(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (int index = 0; *words != '\0'; index++) {
        size_t own = strcspn(words, " ");
        if (own == length && strncasecmp(words, word, own) == 0) {
            return index;
        }
        words += own + (words[own] == ' ' ? 1 : 0);
    }
    return -1;
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    CHECK(memory != NULL);
    return memory;
}

static void set_place(struct reading *reading, const char *list, size_t index)
{
    snprintf(reading->place, sizeof reading->place, "%s[%zu].", list, index);
}

static void read_currency(struct reading *reading, json_t *item, struct genesis_currency *currency)
{
    if (check_members(reading, item, "code numeric decimals")) {
        copy_text(reading, item, "code", NULL, currency->code, sizeof currency->code);
        currency->numeric = (uint16_t)get_number(reading, item, "numeric", -1, 1, 999);
        currency->exponent = (uint8_t)get_number(reading, item, "decimals", -1, 0, 8);
    }
}

static const struct genesis_currency *get_currency(struct reading *reading, json_t *item)
{
    const struct genesis *genesis = reading->genesis;
    const char *code = get_text(reading, item, "currency", NULL);
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        if (strcmp(genesis->currencies[i].code, code) == 0) {
            return &genesis->currencies[i];
        }
    }
    fail(reading, "currency", "\"%.20s\" is not among this file's currencies", code);
    return &genesis->currencies[0];
}

/* "23:00", two digits each. */
static bool read_minute_of_day(const char *text, uint16_t *ret_minute)
{
    if (strlen(text) != 5 || strspn(text, "0123456789") != 2 || text[2] != ':' ||
        strspn(text + 3, "0123456789") != 2) {
        return false;
    }
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    if (hour > 23 || minute > 59) {
        return false;
    }
    *ret_minute = (uint16_t)(hour * 60 + minute);
    return true;
}

static void read_cutoffs(struct reading *reading, json_t *item, struct genesis_service *service)
{
    json_t *cutoffs = get_array(reading, item, "cutoffs", 16);
    service->cutoff_count = (uint32_t)json_array_size(cutoffs);
    for (uint32_t i = 0; i < service->cutoff_count; i++) {
        const char *text = json_string_value(json_array_get(cutoffs, i));
        if (text == NULL || !read_minute_of_day(text, &service->cutoffs[i])) {
            fail(reading, "cutoffs", "expected times such as \"23:00\"");
            return;
        }
    }
}

static void read_service(struct reading *reading, json_t *item, struct genesis_service *service)
{
    if (!check_members(reading, item,
                       "number name currency mode settlement cutoffs funding_window_s")) {
        return;
    }
    service->number = (uint16_t)get_number(reading, item, "number", -1, 1, UINT16_MAX);
    copy_text(reading, item, "name", NULL, service->name, sizeof service->name);
    service->currency = get_currency(reading, item)->numeric;
    int mode = word_index("DEFERRED GROSS", get_text(reading, item, "mode", "DEFERRED"));
    int settlement =
        word_index("PREFUNDED EXTERNAL", get_text(reading, item, "settlement", "PREFUNDED"));
    if (mode < 0 || settlement < 0) {
        fail(reading, mode < 0 ? "mode" : "settlement", "expected %s",
             mode < 0 ? "DEFERRED or GROSS" : "PREFUNDED or EXTERNAL");
    }
    service->mode = (uint16_t)(SERVICE_DEFERRED + mode);
    service->settlement = (uint16_t)(SETTLEMENT_PREFUNDED + settlement);
    service->funding_window_s =
        (uint32_t)get_number(reading, item, "funding_window_s", 0, 0, 7 * 86400);
    read_cutoffs(reading, item, service);
}

/* A participant of the plan by number, name or slug; 0 if there is none. */
static uint32_t find_participant(const struct genesis *genesis, json_t *word)
{
    char wanted[64], own[64];
    name_slug(json_is_string(word) ? json_string_value(word) : "", wanted, sizeof wanted);
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        name_slug(genesis->participants[i].name, own, sizeof own);
        if ((json_is_integer(word) &&
             json_integer_value(word) == genesis->participants[i].number) ||
            (wanted[0] != '\0' && strcmp(wanted, own) == 0)) {
            return genesis->participants[i].number;
        }
    }
    return 0;
}

static uint16_t find_service(const struct genesis *genesis, json_t *word)
{
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        const struct genesis_service *own = &genesis->services[i];
        if ((json_is_integer(word) && json_integer_value(word) == own->number) ||
            (json_is_string(word) && strcmp(json_string_value(word), own->name) == 0)) {
            return own->number;
        }
    }
    return 0;
}

static void read_scheme(struct reading *reading, json_t *item, struct genesis_scheme *scheme)
{
    if (!check_members(reading, item,
                       "number name service network submitters confirmations hold_timeout_s "
                       "match_timeout_s")) {
        return;
    }
    scheme->number = (uint16_t)get_number(reading, item, "number", -1, 1, UINT16_MAX);
    copy_text(reading, item, "name", NULL, scheme->name, sizeof scheme->name);
    scheme->service = find_service(reading->genesis, json_object_get(item, "service"));
    if (scheme->service == 0) {
        fail(reading, "service", "expected the name or number of one of this file's services");
    }
    json_t *network = json_object_get(item, "network");
    scheme->network = network == NULL ? 0 : find_participant(reading->genesis, network);
    if (network != NULL && scheme->network == 0) {
        fail(reading, "network", "expected the name or number of one of this file's participants");
    }
    json_t *submitters = get_array(reading, item, "submitters", 3);
    for (size_t i = 0; i < json_array_size(submitters); i++) {
        const char *word = json_string_value(json_array_get(submitters, i));
        int side = word == NULL ? -1 : word_index("payer payee network", word);
        if (side < 0) {
            fail(reading, "submitters", "expected payer, payee or network");
            return;
        }
        scheme->submitters = (uint16_t)(scheme->submitters | 1 << side);
    }
    scheme->confirmations = (uint16_t)get_number(reading, item, "confirmations", 1, 1, 2);
    scheme->hold_timeout_s =
        (uint32_t)get_number(reading, item, "hold_timeout_s", 7 * 86400, 0, 366 * 86400);
    scheme->match_timeout_s =
        (uint32_t)get_number(reading, item, "match_timeout_s", 86400, 0, 366 * 86400);
}

static void read_participant(struct reading *reading, json_t *item,
                             struct genesis_participant *participant)
{
    if (!check_members(reading, item, "number name roles bic clearing_code limits")) {
        return;
    }
    participant->number = (uint32_t)get_number(reading, item, "number", -1, 1, LIMIT_PARTICIPANTS);
    copy_text(reading, item, "name", NULL, participant->name, sizeof participant->name);
    copy_text(reading, item, "bic", "", participant->bic, sizeof participant->bic);
    copy_text(reading, item, "clearing_code", "", participant->clearing_code,
              sizeof participant->clearing_code);
    json_t *roles = get_array(reading, item, "roles", 8);
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const char *word = json_string_value(json_array_get(roles, i));
        uint32_t role = word == NULL ? 0 : role_of_name(word);
        if (role == 0) {
            fail(reading, "roles",
                 "expected BANK, FINTECH, NETWORK, AGENT, OPERATOR, AUDITOR, INSURER or FUND");
            return;
        }
        participant->roles |= role;
    }
}

/* One limit a currency: the participant's own, or the usual one. */
static void read_limits(struct reading *reading, json_t *item, uint32_t participant)
{
    struct genesis *genesis = reading->genesis;
    struct genesis_limit *limits = &genesis->limits[genesis->limit_count];
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        uint64_t unit = 1;
        for (unsigned k = 0; k < genesis->currencies[i].exponent; k++) {
            unit *= 10;
        }
        limits[i] = (struct genesis_limit){.participant = participant,
                                           .currency = genesis->currencies[i].numeric,
                                           .flags = LIMIT_COVERED,
                                           .cap = DEFAULT_CAP_MAJOR * unit};
    }
    genesis->limit_count += genesis->currency_count;
    json_t *given = get_array(reading, item, "limits", genesis->currency_count);
    for (size_t i = 0; i < json_array_size(given) && !reading->failed; i++) {
        json_t *limit = json_array_get(given, i);
        size_t used = strlen(reading->place);
        snprintf(reading->place + used, sizeof reading->place - used, "limits[%zu].", i);
        if (!check_members(reading, limit, "currency cap covered")) {
            return;
        }
        const struct genesis_currency *currency = get_currency(reading, limit);
        struct genesis_limit *own = &limits[currency - genesis->currencies];
        const char *cap = get_text(reading, limit, "cap", NULL);
        int64_t minor = 0;
        if (amount_parse(cap, currency->exponent, false, &minor) != STATUS_OK) {
            fail(reading, "cap", "expected a decimal number in quotes such as \"5000000.00\"");
        }
        own->cap = (uint64_t)minor;
        json_t *covered = json_object_get(limit, "covered");
        if (covered != NULL && !json_is_boolean(covered)) {
            fail(reading, "covered", "expected true or false");
        }
        own->flags = (uint16_t)(json_is_false(covered) ? 0 : LIMIT_COVERED);
        reading->place[used] = '\0';
    }
}

static void read_parameters(struct reading *reading, json_t *root)
{
    struct genesis *genesis = reading->genesis;
    copy_text(reading, root, "network", "hefu-testnet", genesis->network, sizeof genesis->network);
    json_t *offset = json_object_get(root, "utc_offset_minutes");
    if (offset != NULL && !json_is_integer(offset)) {
        fail(reading, "utc_offset_minutes", "expected a whole number of minutes");
    }
    genesis->utc_offset_minutes = (int32_t)json_integer_value(offset);
    genesis->delta_ms = (uint32_t)get_number(reading, root, "delta_ms", 400, 1, 3600000);
    genesis->block_interval_ms =
        (uint32_t)get_number(reading, root, "block_interval_ms", 0, 0, 3600000);
    genesis->empty_interval_ms =
        (uint32_t)get_number(reading, root, "empty_interval_ms", 30000, 1, 3600000);
    genesis->block_records = (uint32_t)get_number(reading, root, "block_records",
                                                  LIMIT_BLOCK_RECORDS, 1, LIMIT_BLOCK_RECORDS);
}

static void read_lists(struct reading *reading, json_t *root)
{
    struct genesis *genesis = reading->genesis;
    json_t *currencies = get_array(reading, root, "currencies", LIMIT_CURRENCIES);
    json_t *services = get_array(reading, root, "services", LIMIT_SERVICES);
    json_t *schemes = get_array(reading, root, "schemes", LIMIT_SCHEMES);
    json_t *participants = get_array(reading, root, "participants", LIMIT_PARTICIPANTS);
    size_t count = json_array_size(participants);
    genesis->currencies = allocate(json_array_size(currencies), sizeof *genesis->currencies);
    genesis->services = allocate(json_array_size(services), sizeof *genesis->services);
    genesis->schemes = allocate(json_array_size(schemes), sizeof *genesis->schemes);
    genesis->participants = allocate(count, sizeof *genesis->participants);
    genesis->limits = allocate(count * json_array_size(currencies), sizeof *genesis->limits);
    if (!reading->failed && (json_array_size(currencies) == 0 || count == 0)) {
        fail(reading, "", "needs at least one currency and one participant");
    }
    for (size_t i = 0; i < json_array_size(currencies) && !reading->failed; i++) {
        set_place(reading, "currencies", i);
        read_currency(reading, json_array_get(currencies, i), &genesis->currencies[i]);
        genesis->currency_count++;
    }
    for (size_t i = 0; i < count && !reading->failed; i++) {
        set_place(reading, "participants", i);
        read_participant(reading, json_array_get(participants, i), &genesis->participants[i]);
        genesis->participant_count++;
        read_limits(reading, json_array_get(participants, i), genesis->participants[i].number);
    }
    for (size_t i = 0; i < json_array_size(services) && !reading->failed; i++) {
        set_place(reading, "services", i);
        read_service(reading, json_array_get(services, i), &genesis->services[i]);
        genesis->service_count++;
    }
    for (size_t i = 0; i < json_array_size(schemes) && !reading->failed; i++) {
        set_place(reading, "schemes", i);
        read_scheme(reading, json_array_get(schemes, i), &genesis->schemes[i]);
        genesis->scheme_count++;
    }
}

enum status plan_text_read(const char *text, size_t length, const char *source,
                           struct genesis *ret_genesis, char *ret_error, size_t capacity)
{
    struct genesis genesis = {.created_ms = 0};
    struct reading reading = {
        .source = source, .error = ret_error, .capacity = capacity, .genesis = &genesis};
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        snprintf(ret_error, capacity, "%s:%d:%d: not JSON: %s", source, error.line, error.column,
                 error.text);
        return STATUS_MALFORMED;
    }
    if (check_members(&reading, root,
                      "network utc_offset_minutes delta_ms block_interval_ms empty_interval_ms "
                      "block_records currencies services schemes participants")) {
        read_parameters(&reading, root);
        read_lists(&reading, root);
    }
    json_decref(root);
    if (reading.failed) {
        genesis_free(&genesis);
        return STATUS_MALFORMED;
    }
    *ret_genesis = genesis;
    return STATUS_OK;
}

enum status plan_read(const char *path, struct genesis *ret_genesis, char *ret_error,
                      size_t capacity)
{
    if (path == NULL) {
        return plan_text_read(built_in, sizeof built_in - 1, "the built-in plan", ret_genesis,
                              ret_error, capacity);
    }
    uint8_t *data;
    size_t length;
    enum status status = file_read(path, PLAN_BYTES_MAX, 0, &data, &length, ret_error, capacity);
    if (status == STATUS_OK) {
        status = plan_text_read((const char *)data, length, path, ret_genesis, ret_error, capacity);
        free(data);
    }
    return status;
}
