/* plan: participants.json into a genesis, part by part (see plan.h). */
#include "cli/plan.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "cli/json_text.h"
#include "cli/names.h"
#include "cli/plan_read.h"
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
    "\"network\":\"lianhe-card-network\",\"submitters\":[\"payee\",\"network\"],"
    "\"chargeback_s\":10368000,\"represent_s\":1728000,\"pre_arbitrate_s\":864000,"
    "\"answer_s\":864000,\"fee_rules\":["
    "{\"fee\":\"interchange\",\"from_date\":20160906,\"rate_ppm\":3500,\"cap\":\"13.00\"},"
    "{\"fee\":\"payer_fee\",\"from_date\":20160906,\"rate_ppm\":325,\"cap\":\"3.25\"},"
    "{\"fee\":\"payee_fee\",\"from_date\":20160906,\"rate_ppm\":325,\"cap\":\"3.25\"}]},"
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

void plan_fail(struct plan *plan, const char *member, const char *format, ...)
{
    if (plan->failed) {
        return;
    }
    plan->failed = true;
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(plan->error, plan->capacity, "%s: %s%s: %s", plan->source, plan->place, member, what);
}

/* Whether object is one whose members are all among known (separated by spaces). */
bool plan_members(struct plan *plan, json_t *object, const char *known)
{
    if (!json_is_object(object)) {
        plan_fail(plan, "", "expected an object");
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
            plan_fail(plan, name, "there is no such member here; known are: %s", known);
            return false;
        }
    }
    return true;
}

const char *plan_text(struct plan *plan, json_t *object, const char *name, const char *fallback)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL && fallback != NULL) {
        return fallback;
    }
    if (!json_is_string(value)) {
        plan_fail(plan, name, "expected a text");
        return "";
    }
    return json_string_value(value);
}

void plan_copy(struct plan *plan, json_t *object, const char *name, const char *fallback,
               char *ret_text, size_t capacity)
{
    const char *text = plan_text(plan, object, name, fallback);
    if (strlen(text) >= capacity) {
        plan_fail(plan, name, "expected at most %zu bytes", capacity - 1);
        return;
    }
    memcpy(ret_text, text, strlen(text) + 1);
}

int64_t plan_number(struct plan *plan, json_t *object, const char *name, int64_t fallback,
                    int64_t min, int64_t max)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL && fallback >= min) {
        return fallback;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        plan_fail(plan, name, "expected a whole number from %lld to %lld", (long long)min,
                  (long long)max);
        return min;
    }
    return json_integer_value(value);
}

json_t *plan_array(struct plan *plan, json_t *object, const char *name, size_t max)
{
    json_t *value = json_object_get(object, name);
    if (value != NULL && !json_is_array(value)) {
        plan_fail(plan, name, "expected a list");
        return NULL;
    }
    if (json_array_size(value) > max) {
        plan_fail(plan, name, "%zu of them, at most %zu", json_array_size(value), max);
        return NULL;
    }
    return value;
}

/* The index of a word in a list of words separated by spaces; -1 if it is none of them. */
int plan_word(const char *words, const char *word)
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

uint32_t plan_words(struct plan *plan, json_t *object, const char *name, const char *words,
                    uint32_t fallback)
{
    json_t *list = plan_array(plan, object, name, 32);
    uint32_t all = list == NULL ? fallback : 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        int index = word == NULL ? -1 : plan_word(words, word);
        if (index < 0) {
            plan_fail(plan, name, "expected some of: %s", words);
            return 0;
        }
        all |= 1u << index;
    }
    return all;
}

uint64_t plan_amount(struct plan *plan, json_t *object, const char *name, unsigned exponent)
{
    int64_t minor = 0;
    if (amount_parse(plan_text(plan, object, name, "0"), exponent, false, &minor) != STATUS_OK) {
        plan_fail(plan, name, "expected a decimal number in quotes such as \"5000000.00\"");
    }
    return (uint64_t)minor;
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    CHECK(memory != NULL);
    return memory;
}

static void set_place(struct plan *plan, const char *list, size_t index)
{
    snprintf(plan->place, sizeof plan->place, "%s[%zu].", list, index);
}

static void read_currency(struct plan *plan, json_t *item, struct genesis_currency *currency)
{
    if (plan_members(plan, item, "code numeric decimals")) {
        plan_copy(plan, item, "code", NULL, currency->code, sizeof currency->code);
        currency->numeric = (uint16_t)plan_number(plan, item, "numeric", -1, 1, 999);
        currency->exponent = (uint8_t)plan_number(plan, item, "decimals", -1, 0, 8);
    }
}

const struct genesis_currency *plan_currency(struct plan *plan, json_t *item)
{
    const struct genesis *genesis = plan->genesis;
    const char *code = plan_text(plan, item, "currency", NULL);
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        if (strcmp(genesis->currencies[i].code, code) == 0) {
            return &genesis->currencies[i];
        }
    }
    plan_fail(plan, "currency", "\"%.20s\" is not among this file's currencies", code);
    return &genesis->currencies[0];
}

/* A participant of the plan by number, name or slug; 0 if there is none. */
uint32_t plan_participant(const struct genesis *genesis, json_t *word)
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

static void read_participant(struct plan *plan, json_t *item,
                             struct genesis_participant *participant)
{
    if (!plan_members(plan, item, "number name roles bic clearing_code settles_through limits")) {
        return;
    }
    participant->number = (uint32_t)plan_number(plan, item, "number", -1, 1, LIMIT_PARTICIPANTS);
    plan_copy(plan, item, "name", NULL, participant->name, sizeof participant->name);
    plan_copy(plan, item, "bic", "", participant->bic, sizeof participant->bic);
    plan_copy(plan, item, "clearing_code", "", participant->clearing_code,
              sizeof participant->clearing_code);
    participant->status = STANDING_ACTIVE;
    participant->roles = plan_words(plan, item, "roles",
                                    "BANK FINTECH NETWORK AGENT OPERATOR AUDITOR INSURER FUND", 0);
}

/* After all participants: a sponsor may stand further down. */
static void read_sponsor(struct plan *plan, json_t *item, struct genesis_participant *participant)
{
    json_t *sponsor = json_object_get(item, "settles_through");
    participant->settles_through = sponsor == NULL ? 0 : plan_participant(plan->genesis, sponsor);
    if (sponsor != NULL && participant->settles_through == 0) {
        plan_fail(plan, "settles_through",
                  "expected the name or number of one of this file's participants");
    }
}

/* One limit a currency: the participant's own, or the usual one. */
static void read_limits(struct plan *plan, json_t *item, uint32_t participant)
{
    struct genesis *genesis = plan->genesis;
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
    json_t *given = plan_array(plan, item, "limits", genesis->currency_count);
    for (size_t i = 0; i < json_array_size(given) && !plan->failed; i++) {
        json_t *limit = json_array_get(given, i);
        size_t used = strlen(plan->place);
        snprintf(plan->place + used, sizeof plan->place - used, "limits[%zu].", i);
        if (!plan_members(plan, limit, "currency cap covered")) {
            return;
        }
        const struct genesis_currency *currency = plan_currency(plan, limit);
        struct genesis_limit *own = &limits[currency - genesis->currencies];
        (void)plan_text(plan, limit, "cap", NULL); /* it must be there */
        own->cap = plan_amount(plan, limit, "cap", currency->exponent);
        json_t *covered = json_object_get(limit, "covered");
        if (covered != NULL && !json_is_boolean(covered)) {
            plan_fail(plan, "covered", "expected true or false");
        }
        own->flags = (uint16_t)(json_is_false(covered) ? 0 : LIMIT_COVERED);
        plan->place[used] = '\0';
    }
}

static void read_parameters(struct plan *plan, json_t *root)
{
    struct genesis *genesis = plan->genesis;
    plan_copy(plan, root, "network", "hefu-testnet", genesis->network, sizeof genesis->network);
    json_t *offset = json_object_get(root, "utc_offset_minutes");
    if (offset != NULL && !json_is_integer(offset)) {
        plan_fail(plan, "utc_offset_minutes", "expected a whole number of minutes");
    }
    genesis->utc_offset_minutes = (int32_t)json_integer_value(offset);
    genesis->delta_ms = (uint32_t)plan_number(plan, root, "delta_ms", 400, 1, 3600000);
    genesis->block_interval_ms =
        (uint32_t)plan_number(plan, root, "block_interval_ms", 0, 0, 3600000);
    genesis->empty_interval_ms =
        (uint32_t)plan_number(plan, root, "empty_interval_ms", 30000, 1, 3600000);
    genesis->block_records = (uint32_t)plan_number(plan, root, "block_records", LIMIT_BLOCK_RECORDS,
                                                   1, LIMIT_BLOCK_RECORDS);
}

static void read_products(struct plan *plan, json_t *calendars, json_t *services, json_t *schemes)
{
    struct genesis *genesis = plan->genesis;
    for (size_t i = 0; i < json_array_size(calendars) && !plan->failed; i++) {
        set_place(plan, "calendars", i);
        plan_read_calendar(plan, json_array_get(calendars, i), &genesis->calendars[i]);
        genesis->calendar_count++;
    }
    for (size_t i = 0; i < json_array_size(services) && !plan->failed; i++) {
        set_place(plan, "services", i);
        plan_read_service(plan, json_array_get(services, i), &genesis->services[i]);
        genesis->service_count++;
    }
    for (size_t i = 0; i < json_array_size(schemes) && !plan->failed; i++) {
        set_place(plan, "schemes", i);
        plan_read_scheme(plan, json_array_get(schemes, i), &genesis->schemes[i]);
        genesis->scheme_count++;
    }
}

static void read_lists(struct plan *plan, json_t *root)
{
    struct genesis *genesis = plan->genesis;
    json_t *currencies = plan_array(plan, root, "currencies", LIMIT_CURRENCIES);
    json_t *services = plan_array(plan, root, "services", LIMIT_SERVICES);
    json_t *calendars = plan_array(plan, root, "calendars", LIMIT_CALENDARS);
    json_t *schemes = plan_array(plan, root, "schemes", LIMIT_SCHEMES);
    json_t *participants = plan_array(plan, root, "participants", LIMIT_PARTICIPANTS);
    size_t count = json_array_size(participants);
    genesis->currencies = allocate(json_array_size(currencies), sizeof *genesis->currencies);
    genesis->services = allocate(json_array_size(services), sizeof *genesis->services);
    genesis->calendars = allocate(json_array_size(calendars), sizeof *genesis->calendars);
    genesis->schemes = allocate(json_array_size(schemes), sizeof *genesis->schemes);
    genesis->participants = allocate(count, sizeof *genesis->participants);
    genesis->limits = allocate(count * json_array_size(currencies), sizeof *genesis->limits);
    if (!plan->failed && (json_array_size(currencies) == 0 || count == 0)) {
        plan_fail(plan, "", "needs at least one currency and one participant");
    }
    for (size_t i = 0; i < json_array_size(currencies) && !plan->failed; i++) {
        set_place(plan, "currencies", i);
        read_currency(plan, json_array_get(currencies, i), &genesis->currencies[i]);
        genesis->currency_count++;
    }
    for (size_t i = 0; i < count && !plan->failed; i++) {
        set_place(plan, "participants", i);
        read_participant(plan, json_array_get(participants, i), &genesis->participants[i]);
        genesis->participant_count++;
        read_limits(plan, json_array_get(participants, i), genesis->participants[i].number);
    }
    for (size_t i = 0; i < count && !plan->failed; i++) {
        set_place(plan, "participants", i);
        read_sponsor(plan, json_array_get(participants, i), &genesis->participants[i]);
    }
    read_products(plan, calendars, services, schemes);
    if (!plan->failed) {
        plan_read_parameters(plan, root);
    }
}

enum status plan_text_read(const char *text, size_t length, const char *source,
                           struct genesis *ret_genesis, char *ret_error, size_t capacity)
{
    struct genesis genesis = {.created_ms = 0};
    struct plan plan = {
        .source = source, .error = ret_error, .capacity = capacity, .genesis = &genesis};
    json_t *root;
    enum status status = json_text_read(text, length, source, &root, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    if (plan_members(&plan, root,
                     "network utc_offset_minutes delta_ms block_interval_ms empty_interval_ms "
                     "block_records participants_max services_max parameters currencies "
                     "calendars services schemes participants")) {
        read_parameters(&plan, root);
        read_lists(&plan, root);
    }
    json_decref(root);
    if (plan.failed) {
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
