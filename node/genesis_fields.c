/* genesis_fields: the table (see genesis_fields.h; docs/formats.md, genesis.json). */
#include "node/genesis_fields.h"

#include <string.h>

#include "base/check.h"
#include "ledger/genesis.h"

#define AT(type, field)                                                                            \
    .offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define COUNT_AT(type, field) .count_offset = offsetof(struct type, field)
#define SCHEMA(list, type)                                                                         \
    {                                                                                              \
        .fields = (list), .field_count = sizeof(list) / sizeof *(list),                            \
        .item_size = sizeof(struct type)                                                           \
    }
#define ALL32 UINT32_MAX
#define ALL16 UINT16_MAX

static const struct field_name roles[] = {
    {"bank", ROLE_BANK},       {"fintech", ROLE_FINTECH},   {"network", ROLE_NETWORK},
    {"agent", ROLE_AGENT},     {"operator", ROLE_OPERATOR}, {"auditor", ROLE_AUDITOR},
    {"insurer", ROLE_INSURER}, {"fund", ROLE_FUND},         {NULL, 0},
};
static const struct field_name permissions[] = {
    {"submit", PERMISSION_SUBMIT}, {"act", PERMISSION_ACT}, {NULL, 0}};
static const struct field_name limit_flags[] = {{"covered", LIMIT_COVERED}, {NULL, 0}};
static const struct field_name modes[] = {
    {"deferred", SERVICE_DEFERRED}, {"gross", SERVICE_GROSS}, {NULL, 0}};
static const struct field_name settlements[] = {
    {"prefunded", SETTLEMENT_PREFUNDED}, {"external", SETTLEMENT_EXTERNAL}, {NULL, 0}};
static const struct field_name sides[] = {
    {"payer", SIDE_PAYER}, {"payee", SIDE_PAYEE}, {"network", SIDE_NETWORK}, {NULL, 0}};

static const struct field_name service_flags[] = {{"business_days", SERVICE_BUSINESS_DAYS},
                                                  {NULL, 0}};
static const struct field_name scheme_flags[] = {
    {"fees_binding", SCHEME_FEES_BINDING}, {"fee_mandate", SCHEME_FEE_MANDATE}, {NULL, 0}};
static const struct field_name fees[] = {{"interchange", FEE_INTERCHANGE},
                                         {"payer_fee", FEE_PAYER},
                                         {"payee_fee", FEE_PAYEE},
                                         {NULL, 0}};
static const struct field_name roundings[] = {{"half_up", ROUND_HALF_UP},
                                              {"half_even", ROUND_HALF_EVEN},
                                              {"down", ROUND_DOWN},
                                              {"up", ROUND_UP},
                                              {NULL, 0}};
static const struct field_name weekdays[] = {
    {"monday", 1},  {"tuesday", 2},   {"wednesday", 4}, {"thursday", 8},
    {"friday", 16}, {"saturday", 32}, {"sunday", 64},   {NULL, 0},
};
static const struct field_name policy_kinds[] = {
    {"participant", 5}, {"keys", 6},        {"standing", 7}, {"limit", 8}, {"service", 9},
    {"scheme", 10},     {"parameters", 11}, {"cycle", 12},   {NULL, 0},
};

static const struct field currency_fields[] = {
    {.name = "code", .kind = FIELD_TEXT, .needed = true, AT(genesis_currency, code)},
    {.name = "numeric",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = 999,
     AT(genesis_currency, numeric)},
    {.name = "exponent",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = 8,
     AT(genesis_currency, exponent)},
};
static const struct field_schema currency_schema = SCHEMA(currency_fields, genesis_currency);

static const struct field key_fields[] = {
    {.name = "key_no",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(participant_key, key_no)},
    {.name = "permissions",
     .kind = FIELD_FLAGS,
     .needed = true,
     .names = permissions,
     AT(participant_key, permissions)},
    {.name = "key", .kind = FIELD_HEX, .needed = true, AT(participant_key, key)},
};
static const struct field_schema key_schema = SCHEMA(key_fields, participant_key);

static const struct field participant_fields[] = {
    {.name = "number",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = LIMIT_PARTICIPANTS,
     AT(genesis_participant, number)},
    {.name = "name", .kind = FIELD_TEXT, .needed = true, AT(genesis_participant, name)},
    {.name = "roles",
     .kind = FIELD_FLAGS,
     .needed = true,
     .names = roles,
     AT(genesis_participant, roles)},
    {.name = "bic", .kind = FIELD_TEXT, AT(genesis_participant, bic)},
    {.name = "clearing_code", .kind = FIELD_TEXT, AT(genesis_participant, clearing_code)},
    {.name = "transport_key", .kind = FIELD_HEX, AT(genesis_participant, transport_key)},
    {.name = "settles_through",
     .kind = FIELD_UNSIGNED,
     .most = LIMIT_PARTICIPANTS,
     AT(genesis_participant, settles_through)},
    {.name = "keys",
     .kind = FIELD_ARRAY,
     .most = LIMIT_PARTICIPANT_KEYS,
     .items = &key_schema,
     COUNT_AT(genesis_participant, key_count),
     AT(genesis_participant, keys)},
};
static const struct field_schema participant_schema =
    SCHEMA(participant_fields, genesis_participant);

static const struct field limit_fields[] = {
    {.name = "participant",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = LIMIT_PARTICIPANTS,
     AT(genesis_limit, participant)},
    {.name = "currency", .kind = FIELD_CURRENCY, .needed = true, AT(genesis_limit, currency)},
    {.name = "cap",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = LIMIT_AMOUNT - 1,
     AT(genesis_limit, cap)},
    {.name = "flags", .kind = FIELD_FLAGS, .names = limit_flags, AT(genesis_limit, flags)},
};
static const struct field_schema limit_schema = SCHEMA(limit_fields, genesis_limit);

static const struct field service_fields[] = {
    {.name = "number",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL16,
     AT(genesis_service, number)},
    {.name = "name", .kind = FIELD_TEXT, .needed = true, AT(genesis_service, name)},
    {.name = "currency", .kind = FIELD_CURRENCY, .needed = true, AT(genesis_service, currency)},
    {.name = "mode",
     .kind = FIELD_CHOICE,
     .needed = true,
     .names = modes,
     AT(genesis_service, mode)},
    {.name = "settlement",
     .kind = FIELD_CHOICE,
     .needed = true,
     .names = settlements,
     AT(genesis_service, settlement)},
    {.name = "funding_window_s",
     .kind = FIELD_UNSIGNED,
     .most = ALL32,
     AT(genesis_service, funding_window_s)},
    {.name = "cutoffs",
     .kind = FIELD_TIMES,
     .most = sizeof((struct genesis_service *)0)->cutoffs / sizeof(uint16_t),
     COUNT_AT(genesis_service, cutoff_count),
     AT(genesis_service, cutoffs)},
    {.name = "calendar", .kind = FIELD_UNSIGNED, .most = ALL16, AT(genesis_service, calendar)},
    {.name = "settlement_days",
     .kind = FIELD_UNSIGNED,
     .most = ALL16,
     AT(genesis_service, settlement_days)},
    {.name = "settle_time", .kind = FIELD_TIME, AT(genesis_service, settle_minute)},
    {.name = "flags", .kind = FIELD_FLAGS, .names = service_flags, AT(genesis_service, flags)},
};
static const struct field_schema service_schema = SCHEMA(service_fields, genesis_service);

static const struct field fee_rule_fields[] = {
    {.name = "fee", .kind = FIELD_CHOICE, .needed = true, .names = fees, AT(fee_rule, which)},
    {.name = "from_date",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(fee_rule, from_date)},
    {.name = "to_date", .kind = FIELD_UNSIGNED, .most = ALL32, AT(fee_rule, to_date)},
    {.name = "mcc_from", .kind = FIELD_UNSIGNED, .most = ALL16, AT(fee_rule, mcc_from)},
    {.name = "mcc_to", .kind = FIELD_UNSIGNED, .needed = true, .most = ALL16, AT(fee_rule, mcc_to)},
    {.name = "rate_ppm",
     .kind = FIELD_SIGNED,
     .needed = true,
     .most = INT32_MAX,
     AT(fee_rule, rate_ppm)},
    {.name = "rounding",
     .kind = FIELD_CHOICE,
     .needed = true,
     .names = roundings,
     AT(fee_rule, rounding)},
    {.name = "minimum", .kind = FIELD_UNSIGNED, .most = LIMIT_AMOUNT - 1, AT(fee_rule, minimum)},
    {.name = "cap", .kind = FIELD_UNSIGNED, .most = LIMIT_AMOUNT - 1, AT(fee_rule, cap)},
};
static const struct field_schema fee_rule_schema = SCHEMA(fee_rule_fields, fee_rule);

#define SECONDS(member)                                                                            \
    {                                                                                              \
        .name = #member, .kind = FIELD_UNSIGNED, .most = ALL32, AT(genesis_scheme, member)         \
    }
static const struct field scheme_fields[] = {
    {.name = "number",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL16,
     AT(genesis_scheme, number)},
    {.name = "name", .kind = FIELD_TEXT, .needed = true, AT(genesis_scheme, name)},
    {.name = "service",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL16,
     AT(genesis_scheme, service)},
    {.name = "submitters",
     .kind = FIELD_FLAGS,
     .needed = true,
     .names = sides,
     AT(genesis_scheme, submitters)},
    {.name = "confirmations",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = 3,
     AT(genesis_scheme, confirmations)},
    {.name = "network",
     .kind = FIELD_UNSIGNED,
     .most = LIMIT_PARTICIPANTS,
     AT(genesis_scheme, network)},
    SECONDS(hold_timeout_s),
    SECONDS(match_timeout_s),
    {.name = "flags", .kind = FIELD_FLAGS, .names = scheme_flags, AT(genesis_scheme, flags)},
    SECONDS(chargeback_s),
    SECONDS(represent_s),
    SECONDS(pre_arbitrate_s),
    SECONDS(answer_s),
    SECONDS(rule_s),
    {.name = "fee_rules",
     .kind = FIELD_ARRAY,
     .most = LIMIT_FEE_RULES,
     .items = &fee_rule_schema,
     COUNT_AT(genesis_scheme, fee_rule_count),
     AT(genesis_scheme, fee_rules)},
};
static const struct field_schema scheme_schema = SCHEMA(scheme_fields, genesis_scheme);

#define DAYS(member, count)                                                                        \
    {                                                                                              \
        .name = #member, .kind = FIELD_DATES, .most = LIMIT_CALENDAR_DAYS,                         \
        COUNT_AT(genesis_calendar, count), AT(genesis_calendar, member)                            \
    }
static const struct field calendar_fields[] = {
    {.name = "number",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL16,
     AT(genesis_calendar, number)},
    {.name = "name", .kind = FIELD_TEXT, .needed = true, AT(genesis_calendar, name)},
    {.name = "weekend", .kind = FIELD_FLAGS, .names = weekdays, AT(genesis_calendar, weekend)},
    DAYS(holidays, holiday_count),
    DAYS(workdays, workday_count),
};
static const struct field_schema calendar_schema = SCHEMA(calendar_fields, genesis_calendar);

static const struct field validator_fields[] = {
    {.name = "name", .kind = FIELD_TEXT, .needed = true, AT(genesis_validator, name)},
    {.name = "participant",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = LIMIT_PARTICIPANTS,
     AT(genesis_validator, participant)},
    {.name = "key", .kind = FIELD_HEX, .needed = true, AT(genesis_validator, key)},
    {.name = "transport_key",
     .kind = FIELD_HEX,
     .needed = true,
     AT(genesis_validator, transport_key)},
};
static const struct field_schema validator_schema = SCHEMA(validator_fields, genesis_validator);

static const struct field root_fields[] = {
    {.name = "chain_id", .kind = FIELD_HEX, .needed = true, AT(genesis, root_chain_id)},
    {.name = "hash", .kind = FIELD_HEX, .needed = true, AT(genesis, root_hash)},
    {.name = "height",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = INT64_MAX,
     AT(genesis, root_height)},
    {.name = "epoch",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = INT64_MAX,
     AT(genesis, root_epoch)},
};
static const struct field_schema root_schema = SCHEMA(root_fields, genesis);

static const struct field consensus_fields[] = {
    {.name = "delta_ms",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(genesis, delta_ms)},
    {.name = "block_interval_ms",
     .kind = FIELD_UNSIGNED,
     .most = ALL32,
     AT(genesis, block_interval_ms)},
    {.name = "empty_interval_ms",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(genesis, empty_interval_ms)},
    {.name = "block_records",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = LIMIT_BLOCK_RECORDS,
     AT(genesis, block_records)},
};
static const struct field_schema consensus_schema = SCHEMA(consensus_fields, genesis);

static const struct field policy_fields[] = {
    {.name = "kind",
     .kind = FIELD_CHOICE,
     .needed = true,
     .names = policy_kinds,
     AT(action_policy, kind)},
    {.name = "approvals",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL16,
     AT(action_policy, approvals)},
    {.name = "proposers",
     .kind = FIELD_FLAGS,
     .needed = true,
     .names = roles,
     AT(action_policy, proposers)},
    {.name = "approvers",
     .kind = FIELD_FLAGS,
     .needed = true,
     .names = roles,
     AT(action_policy, approvers)},
    {.name = "lapse_s",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(action_policy, lapse_s)},
};
static const struct field_schema policy_schema = SCHEMA(policy_fields, action_policy);

static const struct field parameter_fields[] = {
    {.name = "queue_max",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(genesis, parameters.queue_max)},
    {.name = "queue_quota",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = ALL32,
     AT(genesis, parameters.queue_quota)},
    {.name = "fund_share_ppm",
     .kind = FIELD_UNSIGNED,
     .most = ALL32,
     AT(genesis, parameters.fund_share_ppm)},
    {.name = "policies",
     .kind = FIELD_FIXED,
     .needed = true,
     .most = POLICY_COUNT,
     .items = &policy_schema,
     AT(genesis, parameters.policies)},
};
static const struct field_schema parameter_schema = SCHEMA(parameter_fields, genesis);

/* Currencies stand before what names one. */
static const struct field genesis_fields[] = {
    {.name = "network", .kind = FIELD_TEXT, .needed = true, AT(genesis, network)},
    {.name = "created_ms",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = INT64_MAX,
     AT(genesis, created_ms)},
    {.name = "incarnation", .kind = FIELD_UNSIGNED, .most = ALL32, AT(genesis, incarnation)},
    {.name = "root", .kind = FIELD_OBJECT, .items = &root_schema},
    {.name = "utc_offset_minutes",
     .kind = FIELD_MINUTES,
     .needed = true,
     AT(genesis, utc_offset_minutes)},
    {.name = "consensus", .kind = FIELD_OBJECT, .needed = true, .items = &consensus_schema},
    {.name = "participants_max",
     .kind = FIELD_UNSIGNED,
     .needed = true,
     .most = LIMIT_PARTICIPANTS,
     AT(genesis, participants_max)},
    {.name = "services_max", .kind = FIELD_UNSIGNED, .most = ALL32, AT(genesis, services_max)},
    {.name = "parameters", .kind = FIELD_OBJECT, .needed = true, .items = &parameter_schema},
    {.name = "validators",
     .kind = FIELD_LIST,
     .needed = true,
     .most = LIMIT_VALIDATORS,
     .items = &validator_schema,
     COUNT_AT(genesis, validator_count),
     AT(genesis, validators)},
    {.name = "currencies",
     .kind = FIELD_LIST,
     .needed = true,
     .most = LIMIT_CURRENCIES,
     .items = &currency_schema,
     COUNT_AT(genesis, currency_count),
     AT(genesis, currencies)},
    {.name = "calendars",
     .kind = FIELD_LIST,
     .most = LIMIT_CALENDARS,
     .items = &calendar_schema,
     COUNT_AT(genesis, calendar_count),
     AT(genesis, calendars)},
    {.name = "services",
     .kind = FIELD_LIST,
     .needed = true,
     .most = LIMIT_SERVICES,
     .items = &service_schema,
     COUNT_AT(genesis, service_count),
     AT(genesis, services)},
    {.name = "schemes",
     .kind = FIELD_LIST,
     .needed = true,
     .most = LIMIT_SCHEMES,
     .items = &scheme_schema,
     COUNT_AT(genesis, scheme_count),
     AT(genesis, schemes)},
    {.name = "participants",
     .kind = FIELD_LIST,
     .needed = true,
     .most = LIMIT_PARTICIPANTS,
     .items = &participant_schema,
     COUNT_AT(genesis, participant_count),
     AT(genesis, participants)},
    {.name = "limits",
     .kind = FIELD_LIST,
     .most = LIMIT_ACCOUNTS,
     .items = &limit_schema,
     COUNT_AT(genesis, limit_count),
     AT(genesis, limits)},
};
const struct field_schema GENESIS_SCHEMA = SCHEMA(genesis_fields, genesis);

const struct field_schema *genesis_row_schema(const char *name)
{
    static const struct {
        const char *name;
        const struct field_schema *schema;
    } rows[] = {
        {"participant", &participant_schema}, {"limit", &limit_schema},
        {"service", &service_schema},         {"scheme", &scheme_schema},
        {"calendar", &calendar_schema},       {"parameters", &parameter_schema},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return rows[i].schema;
        }
    }
    return NULL;
}

uint64_t field_get(const void *at, size_t size)
{
    uint64_t value = 0;
    CHECK(size <= sizeof value);
    memcpy(&value, at, size); /* little-endian, as the build demands */
    return value;
}

void field_set(void *at, size_t size, uint64_t value)
{
    CHECK(size <= sizeof value);
    CHECK(size == sizeof value || value >> (8 * size) == 0);
    memcpy(at, &value, size);
}
