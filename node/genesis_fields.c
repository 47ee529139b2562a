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
};
static const struct field_schema service_schema = SCHEMA(service_fields, genesis_service);

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
    {.name = "hold_timeout_s",
     .kind = FIELD_UNSIGNED,
     .most = ALL32,
     AT(genesis_scheme, hold_timeout_s)},
    {.name = "match_timeout_s",
     .kind = FIELD_UNSIGNED,
     .most = ALL32,
     AT(genesis_scheme, match_timeout_s)},
};
static const struct field_schema scheme_schema = SCHEMA(scheme_fields, genesis_scheme);

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
