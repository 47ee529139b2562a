/* vectors_genesis: see vectors_genesis.h. */
#include "tests/support/vectors_genesis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct vectors *vectors;

static void text_of(char *ret_field, size_t size, const char *text)
{
    assert_true(strlen(text) < size);
    memset(ret_field, 0, size);
    memcpy(ret_field, text, strlen(text));
}

static uint32_t u32_of(const char *list, unsigned i, const char *field)
{
    return (uint32_t)vectors_number(vectors, "genesis.%s.%u.%s", list, i, field);
}

static uint16_t u16_of(const char *list, unsigned i, const char *field)
{
    return (uint16_t)vectors_number(vectors, "genesis.%s.%u.%s", list, i, field);
}

static uint32_t list_of(const char *list, size_t size, void *ret_array)
{
    uint32_t count = (uint32_t)vectors_number(vectors, "genesis.%s.count", list);
    void *array = calloc(count, size);
    assert_non_null(array);
    memcpy(ret_array, &array, sizeof array);
    return count;
}

static void fill_head(struct genesis *genesis)
{
    text_of(genesis->network, sizeof genesis->network, vectors_text(vectors, "genesis.network"));
    genesis->created_ms = vectors_number(vectors, "genesis.created_ms");
    genesis->incarnation = (uint32_t)vectors_number(vectors, "genesis.incarnation");
    genesis->utc_offset_minutes = (int32_t)vectors_signed(vectors, "genesis.utc_offset_minutes");
    vectors_bytes(vectors, &genesis->root_chain_id, 32, "genesis.root_chain_id");
    vectors_bytes(vectors, &genesis->root_hash, 32, "genesis.root_hash");
    genesis->root_height = vectors_number(vectors, "genesis.root_height");
    genesis->root_epoch = vectors_number(vectors, "genesis.root_epoch");
    genesis->delta_ms = (uint32_t)vectors_number(vectors, "genesis.delta_ms");
    genesis->block_interval_ms = (uint32_t)vectors_number(vectors, "genesis.block_interval_ms");
    genesis->empty_interval_ms = (uint32_t)vectors_number(vectors, "genesis.empty_interval_ms");
    genesis->block_records = (uint32_t)vectors_number(vectors, "genesis.block_records");
    genesis->participants_max = (uint32_t)vectors_number(vectors, "genesis.participants_max");
    genesis->services_max = (uint32_t)vectors_number(vectors, "genesis.services_max");
}

static uint32_t parameter(const char *field)
{
    return (uint32_t)vectors_number(vectors, "genesis.parameters.%s", field);
}

static void fill_parameters(struct parameters *parameters)
{
    parameters->queue_max = parameter("queue_max");
    parameters->queue_quota = parameter("queue_quota");
    parameters->fund_share_ppm = parameter("fund_share_ppm");
    assert_int_equal(parameter("policies.count"), POLICY_COUNT);
    for (unsigned i = 0; i < POLICY_COUNT; i++) {
        struct action_policy *policy = &parameters->policies[i];
        policy->kind = u16_of("parameters.policies", i, "kind");
        policy->approvals = u16_of("parameters.policies", i, "approvals");
        policy->proposers = u32_of("parameters.policies", i, "proposers");
        policy->approvers = u32_of("parameters.policies", i, "approvers");
        policy->lapse_s = u32_of("parameters.policies", i, "lapse_s");
    }
}

static void fill_participant(struct genesis_participant *participant, unsigned i)
{
    participant->number = u32_of("participants", i, "number");
    participant->roles = u32_of("participants", i, "roles");
    text_of(participant->name, sizeof participant->name,
            vectors_text(vectors, "genesis.participants.%u.name", i));
    text_of(participant->bic, sizeof participant->bic,
            vectors_text(vectors, "genesis.participants.%u.bic", i));
    text_of(participant->clearing_code, sizeof participant->clearing_code,
            vectors_text(vectors, "genesis.participants.%u.clearing_code", i));
    vectors_bytes(vectors, &participant->transport_key, 32, "genesis.participants.%u.transport_key",
                  i);
    participant->settles_through = u32_of("participants", i, "settles_through");
    participant->status = u32_of("participants", i, "status");
    participant->key_count = u32_of("participants", i, "keys.count");
    for (unsigned k = 0; k < participant->key_count; k++) {
        struct participant_key *key = &participant->keys[k];
        key->key_no =
            (uint32_t)vectors_number(vectors, "genesis.participants.%u.keys.%u.key_no", i, k);
        key->permissions =
            (uint32_t)vectors_number(vectors, "genesis.participants.%u.keys.%u.permissions", i, k);
        vectors_bytes(vectors, &key->key, 32, "genesis.participants.%u.keys.%u.key", i, k);
    }
}

static void fill_service(struct genesis_service *service, unsigned i)
{
    service->number = u16_of("services", i, "number");
    service->currency = u16_of("services", i, "currency");
    service->mode = u16_of("services", i, "mode");
    service->settlement = u16_of("services", i, "settlement");
    text_of(service->name, sizeof service->name,
            vectors_text(vectors, "genesis.services.%u.name", i));
    service->funding_window_s = u32_of("services", i, "funding_window_s");
    service->calendar = u16_of("services", i, "calendar");
    service->settlement_days = u16_of("services", i, "settlement_days");
    service->settle_minute = u16_of("services", i, "settle_minute");
    service->flags = u16_of("services", i, "flags");
    size_t length = 0;
    uint8_t *cutoffs = vectors_copy(vectors, &length, "genesis.services.%u.cutoffs", i);
    assert_true(length <= sizeof service->cutoffs);
    memcpy(service->cutoffs, cutoffs, length);
    service->cutoff_count = (uint32_t)(length / sizeof service->cutoffs[0]);
    free(cutoffs);
}

static void fill_rule(struct fee_rule *rule, unsigned scheme, unsigned i)
{
    char list[64];
    (void)snprintf(list, sizeof list, "schemes.%u.fee_rules", scheme);
    rule->from_date = u32_of(list, i, "from_date");
    rule->to_date = u32_of(list, i, "to_date");
    rule->mcc_from = u16_of(list, i, "mcc_from");
    rule->mcc_to = u16_of(list, i, "mcc_to");
    rule->which = u16_of(list, i, "fee");
    rule->rounding = u16_of(list, i, "rounding");
    rule->rate_ppm = (int32_t)vectors_signed(vectors, "genesis.%s.%u.rate_ppm", list, i);
    rule->minimum = vectors_number(vectors, "genesis.%s.%u.minimum", list, i);
    rule->cap = vectors_number(vectors, "genesis.%s.%u.cap", list, i);
}

static void fill_scheme(struct genesis_scheme *scheme, unsigned i)
{
    scheme->number = u16_of("schemes", i, "number");
    scheme->service = u16_of("schemes", i, "service");
    scheme->submitters = u16_of("schemes", i, "submitters");
    scheme->confirmations = u16_of("schemes", i, "confirmations");
    scheme->network = u32_of("schemes", i, "network");
    scheme->hold_timeout_s = u32_of("schemes", i, "hold_timeout_s");
    scheme->match_timeout_s = u32_of("schemes", i, "match_timeout_s");
    text_of(scheme->name, sizeof scheme->name, vectors_text(vectors, "genesis.schemes.%u.name", i));
    scheme->flags = u32_of("schemes", i, "flags");
    scheme->chargeback_s = u32_of("schemes", i, "chargeback_s");
    scheme->represent_s = u32_of("schemes", i, "represent_s");
    scheme->pre_arbitrate_s = u32_of("schemes", i, "pre_arbitrate_s");
    scheme->answer_s = u32_of("schemes", i, "answer_s");
    scheme->rule_s = u32_of("schemes", i, "rule_s");
    scheme->fee_rule_count = u32_of("schemes", i, "fee_rules.count");
    for (unsigned at = 0; at < scheme->fee_rule_count; at++) {
        fill_rule(&scheme->fee_rules[at], i, at);
    }
}

static uint32_t fill_days(uint32_t *ret_days, unsigned i, const char *field)
{
    size_t length = 0;
    uint8_t *days = vectors_copy(vectors, &length, "genesis.calendars.%u.%s", i, field);
    assert_true(length <= LIMIT_CALENDAR_DAYS * sizeof *ret_days);
    memcpy(ret_days, days, length);
    free(days);
    return (uint32_t)(length / sizeof *ret_days);
}

static void fill_calendar(struct genesis_calendar *calendar, unsigned i)
{
    calendar->number = u16_of("calendars", i, "number");
    calendar->weekend = u16_of("calendars", i, "weekend");
    text_of(calendar->name, sizeof calendar->name,
            vectors_text(vectors, "genesis.calendars.%u.name", i));
    calendar->holiday_count = fill_days(calendar->holidays, i, "holidays");
    calendar->workday_count = fill_days(calendar->workdays, i, "workdays");
}

static void fill_validator(struct genesis_validator *validator, unsigned i)
{
    validator->participant = u32_of("validators", i, "participant");
    vectors_bytes(vectors, &validator->key, 32, "genesis.validators.%u.key", i);
    vectors_bytes(vectors, &validator->transport_key, 32, "genesis.validators.%u.transport_key", i);
    text_of(validator->name, sizeof validator->name,
            vectors_text(vectors, "genesis.validators.%u.name", i));
}

static void fill_products(struct genesis *genesis)
{
    genesis->service_count = list_of("services", sizeof genesis->services[0], &genesis->services);
    for (unsigned i = 0; i < genesis->service_count; i++) {
        fill_service(&genesis->services[i], i);
    }
    genesis->scheme_count = list_of("schemes", sizeof genesis->schemes[0], &genesis->schemes);
    for (unsigned i = 0; i < genesis->scheme_count; i++) {
        fill_scheme(&genesis->schemes[i], i);
    }
    genesis->calendar_count =
        list_of("calendars", sizeof genesis->calendars[0], &genesis->calendars);
    for (unsigned i = 0; i < genesis->calendar_count; i++) {
        fill_calendar(&genesis->calendars[i], i);
    }
}

static void fill_lists(struct genesis *genesis)
{
    genesis->currency_count =
        list_of("currencies", sizeof genesis->currencies[0], &genesis->currencies);
    for (unsigned i = 0; i < genesis->currency_count; i++) {
        struct genesis_currency *currency = &genesis->currencies[i];
        currency->numeric = u16_of("currencies", i, "numeric");
        currency->exponent = (uint8_t)u16_of("currencies", i, "exponent");
        text_of(currency->code, sizeof currency->code,
                vectors_text(vectors, "genesis.currencies.%u.code", i));
    }
    genesis->participant_count =
        list_of("participants", sizeof genesis->participants[0], &genesis->participants);
    for (unsigned i = 0; i < genesis->participant_count; i++) {
        fill_participant(&genesis->participants[i], i);
    }
    genesis->limit_count = list_of("limits", sizeof genesis->limits[0], &genesis->limits);
    for (unsigned i = 0; i < genesis->limit_count; i++) {
        genesis->limits[i] = (struct genesis_limit){
            .participant = u32_of("limits", i, "participant"),
            .currency = u16_of("limits", i, "currency"),
            .flags = u16_of("limits", i, "flags"),
            .cap = vectors_number(vectors, "genesis.limits.%u.cap", i),
        };
    }
    fill_products(genesis);
    genesis->validator_count =
        list_of("validators", sizeof genesis->validators[0], &genesis->validators);
    for (unsigned i = 0; i < genesis->validator_count; i++) {
        fill_validator(&genesis->validators[i], i);
    }
}

void vectors_genesis(const struct vectors *of, struct genesis *ret_genesis)
{
    vectors = of;
    fill_head(ret_genesis);
    fill_parameters(&ret_genesis->parameters);
    fill_lists(ret_genesis);
}

void vectors_genesis_free(struct genesis *genesis)
{
    free(genesis->currencies);
    free(genesis->participants);
    free(genesis->limits);
    free(genesis->services);
    free(genesis->schemes);
    free(genesis->calendars);
    free(genesis->validators);
}
