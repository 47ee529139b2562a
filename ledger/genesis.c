/* genesis: canonical bytes, chain id and lookups (see genesis.h; the checks are in
   genesis_check.c). */
#include "ledger/genesis.h"

#include "base/check.h"
#include "ledger/account.h"

#define GENESIS_VERSION 3

enum {
    PARAMETERS_BYTES = 16 + 16 * POLICY_COUNT,
    HEAD_BYTES = 4 + 32 + 8 + 4 + 4 + 32 + 32 + 8 + 8 + 4 * 4 + 2 * 4 + PARAMETERS_BYTES + 7 * 4,
    CURRENCY_BYTES = 8,
    PARTICIPANT_BYTES = 4 + 4 + 64 + 12 + 16 + 32 + 4 + 4 + 4, /* before its keys */
    KEY_BYTES = 4 + 4 + 32,
    LIMIT_BYTES = 16,
    SERVICE_BYTES = 8 + 32 + 4 + 8 + 4,        /* before its cut-offs */
    SCHEME_BYTES = 8 + 4 + 4 + 4 + 32 + 7 * 4, /* before its fee rules */
    FEE_RULE_BYTES = 40,
    CALENDAR_BYTES = 4 + 32 + 8, /* before its days */
    VALIDATOR_BYTES = 4 + 4 + 32 + 32 + 32,
};

size_t genesis_encoded_size(const struct genesis *genesis)
{
    size_t size = HEAD_BYTES + (size_t)genesis->currency_count * CURRENCY_BYTES +
                  (size_t)genesis->limit_count * LIMIT_BYTES +
                  (size_t)genesis->validator_count * VALIDATOR_BYTES;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        size += PARTICIPANT_BYTES + (size_t)genesis->participants[i].key_count * KEY_BYTES;
    }
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        size += SERVICE_BYTES + (size_t)genesis->services[i].cutoff_count * 2;
    }
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        size += SCHEME_BYTES + (size_t)genesis->schemes[i].fee_rule_count * FEE_RULE_BYTES;
    }
    for (uint32_t i = 0; i < genesis->calendar_count; i++) {
        const struct genesis_calendar *calendar = &genesis->calendars[i];
        size += CALENDAR_BYTES + 4 * ((size_t)calendar->holiday_count + calendar->workday_count);
    }
    return size;
}

void genesis_encode_participant(const struct genesis_participant *participant,
                                struct writer *writer)
{
    writer_u32(writer, participant->number);
    writer_u32(writer, participant->roles);
    writer_copy(writer, participant->name, sizeof participant->name);
    writer_copy(writer, participant->bic, sizeof participant->bic);
    writer_copy(writer, participant->clearing_code, sizeof participant->clearing_code);
    writer_copy(writer, participant->transport_key.bytes, sizeof participant->transport_key.bytes);
    writer_u32(writer, participant->settles_through);
    writer_u32(writer, participant->status);
    writer_u32(writer, participant->key_count);
    for (uint32_t i = 0; i < participant->key_count; i++) {
        writer_u32(writer, participant->keys[i].key_no);
        writer_u32(writer, participant->keys[i].permissions);
        writer_copy(writer, participant->keys[i].key.bytes, sizeof participant->keys[i].key.bytes);
    }
}

void genesis_encode_limit(const struct genesis_limit *limit, struct writer *writer)
{
    writer_u32(writer, limit->participant);
    writer_u16(writer, limit->currency);
    writer_u16(writer, limit->flags);
    writer_u64(writer, limit->cap);
}

void genesis_encode_service(const struct genesis_service *service, struct writer *writer)
{
    writer_u16(writer, service->number);
    writer_u16(writer, service->currency);
    writer_u16(writer, service->mode);
    writer_u16(writer, service->settlement);
    writer_copy(writer, service->name, sizeof service->name);
    writer_u32(writer, service->funding_window_s);
    writer_u16(writer, service->calendar);
    writer_u16(writer, service->settlement_days);
    writer_u16(writer, service->settle_minute);
    writer_u16(writer, service->flags);
    writer_u32(writer, service->cutoff_count);
    for (uint32_t i = 0; i < service->cutoff_count; i++) {
        writer_u16(writer, service->cutoffs[i]);
    }
}

void genesis_encode_scheme(const struct genesis_scheme *scheme, struct writer *writer)
{
    writer_u16(writer, scheme->number);
    writer_u16(writer, scheme->service);
    writer_u16(writer, scheme->submitters);
    writer_u16(writer, scheme->confirmations);
    writer_u32(writer, scheme->network);
    writer_u32(writer, scheme->hold_timeout_s);
    writer_u32(writer, scheme->match_timeout_s);
    writer_copy(writer, scheme->name, sizeof scheme->name);
    writer_u32(writer, scheme->flags);
    writer_u32(writer, scheme->chargeback_s);
    writer_u32(writer, scheme->represent_s);
    writer_u32(writer, scheme->pre_arbitrate_s);
    writer_u32(writer, scheme->answer_s);
    writer_u32(writer, scheme->rule_s);
    writer_u32(writer, scheme->fee_rule_count);
    for (uint32_t i = 0; i < scheme->fee_rule_count; i++) {
        const struct fee_rule *rule = &scheme->fee_rules[i];
        writer_u32(writer, rule->from_date);
        writer_u32(writer, rule->to_date);
        writer_u16(writer, rule->mcc_from);
        writer_u16(writer, rule->mcc_to);
        writer_u16(writer, rule->which);
        writer_u16(writer, rule->rounding);
        writer_u32(writer, (uint32_t)rule->rate_ppm);
        writer_u32(writer, rule->reserved);
        writer_u64(writer, rule->minimum);
        writer_u64(writer, rule->cap);
    }
}

void genesis_encode_calendar(const struct genesis_calendar *calendar, struct writer *writer)
{
    writer_u16(writer, calendar->number);
    writer_u16(writer, calendar->weekend);
    writer_copy(writer, calendar->name, sizeof calendar->name);
    writer_u32(writer, calendar->holiday_count);
    writer_u32(writer, calendar->workday_count);
    for (uint32_t i = 0; i < calendar->holiday_count; i++) {
        writer_u32(writer, calendar->holidays[i]);
    }
    for (uint32_t i = 0; i < calendar->workday_count; i++) {
        writer_u32(writer, calendar->workdays[i]);
    }
}

void genesis_encode_parameters(const struct parameters *parameters, struct writer *writer)
{
    writer_u32(writer, parameters->queue_max);
    writer_u32(writer, parameters->queue_quota);
    writer_u32(writer, parameters->fund_share_ppm);
    writer_u32(writer, parameters->reserved);
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        const struct action_policy *policy = &parameters->policies[i];
        writer_u16(writer, policy->kind);
        writer_u16(writer, policy->approvals);
        writer_u32(writer, policy->proposers);
        writer_u32(writer, policy->approvers);
        writer_u32(writer, policy->lapse_s);
    }
}

static void encode_head(const struct genesis *genesis, struct writer *writer)
{
    writer_u32(writer, GENESIS_VERSION);
    writer_copy(writer, genesis->network, sizeof genesis->network);
    writer_u64(writer, genesis->created_ms);
    writer_u32(writer, genesis->incarnation);
    writer_u32(writer, (uint32_t)genesis->utc_offset_minutes);
    writer_copy(writer, &genesis->root_chain_id, HASH_BYTES);
    writer_copy(writer, &genesis->root_hash, HASH_BYTES);
    writer_u64(writer, genesis->root_height);
    writer_u64(writer, genesis->root_epoch);
    writer_u32(writer, genesis->delta_ms);
    writer_u32(writer, genesis->block_interval_ms);
    writer_u32(writer, genesis->empty_interval_ms);
    writer_u32(writer, genesis->block_records);
    writer_u32(writer, genesis->participants_max);
    writer_u32(writer, genesis->services_max);
    genesis_encode_parameters(&genesis->parameters, writer);
    writer_u32(writer, genesis->currency_count);
    writer_u32(writer, genesis->participant_count);
    writer_u32(writer, genesis->limit_count);
    writer_u32(writer, genesis->service_count);
    writer_u32(writer, genesis->scheme_count);
    writer_u32(writer, genesis->calendar_count);
    writer_u32(writer, genesis->validator_count);
}

static void encode_currency(const struct genesis_currency *currency, struct writer *writer)
{
    writer_u16(writer, currency->numeric);
    writer_u8(writer, currency->exponent);
    writer_u8(writer, 0);
    writer_copy(writer, currency->code, sizeof currency->code);
}

static void encode_validator(const struct genesis_validator *validator, struct writer *writer)
{
    writer_u32(writer, validator->participant);
    writer_u32(writer, validator->reserved);
    writer_copy(writer, validator->key.bytes, sizeof validator->key.bytes);
    writer_copy(writer, validator->transport_key.bytes, sizeof validator->transport_key.bytes);
    writer_copy(writer, validator->name, sizeof validator->name);
}

void genesis_encode(const struct genesis *genesis, struct writer *writer)
{
    encode_head(genesis, writer);
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        encode_currency(&genesis->currencies[i], writer);
    }
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        genesis_encode_participant(&genesis->participants[i], writer);
    }
    for (uint32_t i = 0; i < genesis->limit_count; i++) {
        genesis_encode_limit(&genesis->limits[i], writer);
    }
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        genesis_encode_service(&genesis->services[i], writer);
    }
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        genesis_encode_scheme(&genesis->schemes[i], writer);
    }
    for (uint32_t i = 0; i < genesis->calendar_count; i++) {
        genesis_encode_calendar(&genesis->calendars[i], writer);
    }
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        encode_validator(&genesis->validators[i], writer);
    }
}

struct hash genesis_chain_id(const struct genesis *genesis, void *scratch, size_t scratch_size)
{
    struct writer writer = writer_over(scratch, scratch_size);
    genesis_encode(genesis, &writer);
    CHECK(!writer.failed && writer.used == genesis_encoded_size(genesis));
    return hash_of(&PURPOSE_GENESIS, scratch, writer.used);
}

uint64_t genesis_account_count(const struct genesis *genesis)
{
    return ACCOUNTS_PER_CURRENCY * (uint64_t)genesis->currency_count *
           (1 + (uint64_t)genesis->participant_count);
}

const struct genesis_currency *genesis_currency(const struct genesis *genesis, uint32_t numeric)
{
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        if (genesis->currencies[i].numeric == numeric) {
            return &genesis->currencies[i];
        }
    }
    return NULL;
}

const struct genesis_participant *genesis_participant(const struct genesis *genesis,
                                                      uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = genesis->participant_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (genesis->participants[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < genesis->participant_count && genesis->participants[low].number == number;
    return found ? &genesis->participants[low] : NULL;
}

const struct genesis_service *genesis_service(const struct genesis *genesis, uint32_t number)
{
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        if (genesis->services[i].number == number) {
            return &genesis->services[i];
        }
    }
    return NULL;
}

const struct genesis_scheme *genesis_scheme(const struct genesis *genesis, uint32_t number)
{
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        if (genesis->schemes[i].number == number) {
            return &genesis->schemes[i];
        }
    }
    return NULL;
}

const struct genesis_calendar *genesis_calendar(const struct genesis *genesis, uint32_t number)
{
    for (uint32_t i = 0; i < genesis->calendar_count; i++) {
        if (genesis->calendars[i].number == number) {
            return &genesis->calendars[i];
        }
    }
    return NULL;
}

struct parameters genesis_default_parameters(void)
{
    enum { WEEK_S = 7 * 24 * 3600, KIND_SERVICE = 9, KIND_CYCLE = 12 };
    struct parameters parameters = {
        .queue_max = LIMIT_QUEUE, .queue_quota = LIMIT_QUEUE / 10, .fund_share_ppm = 1000000};
    for (uint16_t i = 0; i < POLICY_COUNT; i++) {
        const uint16_t kind = (uint16_t)(POLICY_KIND_FIRST + i);
        const bool rules = kind >= KIND_SERVICE && kind < KIND_CYCLE;
        parameters.policies[i] = (struct action_policy){
            .kind = kind,
            .approvals = rules ? 3 : 2,
            .proposers = kind == KIND_CYCLE ? ROLE_OPERATOR | ROLE_AGENT : ROLE_OPERATOR,
            .approvers = rules || kind == KIND_CYCLE ? ROLE_OPERATOR | ROLE_AGENT : ROLE_OPERATOR,
            .lapse_s = WEEK_S};
    }
    return parameters;
}
