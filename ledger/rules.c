/* rules: form and authority of a record by its kind (see rules.h). */
#include "ledger/rules.h"

#include "base/check.h"

/* Fields that a kind may need or must leave zero, in the order of their verdicts. */
enum field {
    FIELD_AMOUNT = 1 << 0,
    FIELD_FEES = 1 << 1,
    FIELD_PAYER = 1 << 2,
    FIELD_PAYEE = 1 << 3,
    FIELD_SCHEME = 1 << 4,
    FIELD_REF = 1 << 5,
    FIELD_REF_PARTICIPANT = 1 << 6,
    FIELD_MATCH_KEY = 1 << 7,
    FIELD_TIMEOUT = 1 << 8,
    FIELD_MCC = 1 << 9,
    FIELD_PRIORITY = 1 << 10,
};

struct rule {
    bool open;            /* this network can post it; else KIND_NOT_OPEN */
    uint16_t required;    /* fields */
    uint16_t zero;        /* fields */
    uint8_t flags;        /* enum record_flag it may carry */
    uint16_t submitters;  /* sides that may file; 0: as the scheme says */
    bool agent;           /* filed by the settlement agent, outside any scheme */
    bool takes_match_key; /* match_key names the transaction, once */
    uint16_t modes;       /* bit per enum service_mode that carries it */
};

#define MODE_BIT(mode) (1u << (mode))

/* Kinds that are not listed are known but not open. */
static const struct rule RULES[] = {
    [RECORD_CLEAR] = {.open = true,
                      .required = FIELD_AMOUNT | FIELD_PAYER | FIELD_PAYEE | FIELD_SCHEME,
                      .zero = FIELD_REF | FIELD_REF_PARTICIPANT | FIELD_PRIORITY,
                      .flags = RECORD_LINKED,
                      .takes_match_key = true,
                      .modes = MODE_BIT(SERVICE_DEFERRED)},
    [RECORD_REFUND] = {.open = true,
                       .required =
                           FIELD_AMOUNT | FIELD_PAYER | FIELD_PAYEE | FIELD_SCHEME | FIELD_REF,
                       .zero = FIELD_TIMEOUT | FIELD_PRIORITY,
                       .flags = RECORD_LINKED,
                       .submitters = SIDE_PAYEE | SIDE_NETWORK,
                       .modes = MODE_BIT(SERVICE_DEFERRED) | MODE_BIT(SERVICE_GROSS)},
    [RECORD_PAY] = {.open = true,
                    .required = FIELD_AMOUNT | FIELD_PAYER | FIELD_PAYEE | FIELD_SCHEME,
                    .zero = FIELD_REF | FIELD_REF_PARTICIPANT | FIELD_TIMEOUT | FIELD_PRIORITY,
                    .flags = RECORD_LINKED | RECORD_QUEUE,
                    .submitters = SIDE_PAYER,
                    .takes_match_key = true,
                    .modes = MODE_BIT(SERVICE_GROSS)},
    [RECORD_FUND] = {.open = true,
                     .required = FIELD_AMOUNT | FIELD_PAYEE | FIELD_MATCH_KEY,
                     .zero = FIELD_FEES | FIELD_PAYER | FIELD_SCHEME | FIELD_REF |
                             FIELD_REF_PARTICIPANT | FIELD_TIMEOUT | FIELD_MCC | FIELD_PRIORITY,
                     .flags = RECORD_LINKED,
                     .agent = true,
                     .takes_match_key = true},
    [RECORD_CONTRIBUTE] = {.open = false},
};

#define RULE_COUNT (sizeof RULES / sizeof RULES[0])

static uint16_t present_fields(const struct record *record)
{
    unsigned present = 0;
    present |= record->amount != 0 ? FIELD_AMOUNT : 0u;
    present |= (record->interchange | record->payer_fee | record->payee_fee) != 0 ? FIELD_FEES : 0u;
    present |= record->payer != 0 ? FIELD_PAYER : 0u;
    present |= record->payee != 0 ? FIELD_PAYEE : 0u;
    present |= record->scheme != 0 ? FIELD_SCHEME : 0u;
    present |= !bytes_are_zero(&record->ref, sizeof record->ref) ? FIELD_REF : 0u;
    present |= record->ref_participant != 0 ? FIELD_REF_PARTICIPANT : 0u;
    present |= !bytes_are_zero(&record->match_key, sizeof record->match_key) ? FIELD_MATCH_KEY : 0u;
    present |= record->timeout_s != 0 ? FIELD_TIMEOUT : 0u;
    present |= record->mcc != 0 ? FIELD_MCC : 0u;
    present |= record->priority != 0 ? FIELD_PRIORITY : 0u;
    return (uint16_t)present;
}

static bool fee_in_range(int64_t fee)
{
    return fee < (int64_t)LIMIT_AMOUNT && fee > -(int64_t)LIMIT_AMOUNT;
}

/* A date of the proleptic Gregorian calendar from 1970 to 9999. */
static bool is_date(uint32_t yyyymmdd)
{
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = yyyymmdd / 10000;
    uint32_t month = yyyymmdd / 100 % 100;
    uint32_t day = yyyymmdd % 100;
    if (year < 1970 || year > 9999 || month < 1 || month > 12) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint32_t days = DAYS[month - 1] + (month == 2 && leap ? 1u : 0u);
    return day >= 1 && day <= days;
}

/* Printable ASCII, then zeroes only. */
static bool is_reason(const uint8_t reason[4])
{
    bool ended = false;
    for (unsigned i = 0; i < 4; i++) {
        if (reason[i] == 0) {
            ended = true;
        } else if (ended || reason[i] < 0x21 || reason[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static enum verdict check_kind(const struct filing *filing, const struct rule **ret_rule)
{
    const struct record *record = filing->record;
    if (bytes_are_zero(&record->id, sizeof record->id)) {
        return VERDICT_ID_ZERO;
    }
    if (record_kind_name(record->kind) == NULL) {
        return VERDICT_KIND_UNKNOWN;
    }
    CHECK(record->kind < RULE_COUNT);
    const struct rule *rule = &RULES[record->kind];
    if (!rule->open) {
        return VERDICT_KIND_NOT_OPEN;
    }
    if (!bytes_are_zero(record->reserved, sizeof record->reserved)) {
        return VERDICT_RESERVED_NOT_ZERO;
    }
    if ((record->flags & ~rule->flags) != 0) {
        return VERDICT_FLAGS;
    }
    if ((record->flags & RECORD_QUEUE) != 0) {
        return VERDICT_QUEUE_NOT_OPEN;
    }
    if ((record->flags & RECORD_LINKED) != 0 && filing->last_of_batch) {
        return VERDICT_LINKED_OPEN;
    }
    *ret_rule = rule;
    return VERDICT_POSTED;
}

/* missing: required and absent; extra: present and not allowed. */
static enum verdict check_money_and_sides(const struct record *record, unsigned missing,
                                          unsigned extra)
{
    if ((missing & FIELD_AMOUNT) != 0) {
        return VERDICT_AMOUNT_MISSING;
    }
    if (record->amount >= LIMIT_AMOUNT) {
        return VERDICT_AMOUNT_TOO_LARGE;
    }
    if (!fee_in_range(record->interchange) || !fee_in_range(record->payer_fee) ||
        !fee_in_range(record->payee_fee)) {
        return VERDICT_FEE_TOO_LARGE;
    }
    if ((extra & FIELD_FEES) != 0) {
        return VERDICT_FEE_NOT_ZERO;
    }
    if ((missing & FIELD_PAYER) != 0) {
        return VERDICT_PAYER_MISSING;
    }
    if ((extra & FIELD_PAYER) != 0) {
        return VERDICT_PAYER_NOT_ZERO;
    }
    if ((missing & FIELD_PAYEE) != 0) {
        return VERDICT_PAYEE_MISSING;
    }
    return record->payer == record->payee ? VERDICT_SAME_SIDES : VERDICT_POSTED;
}

static enum verdict check_the_rest(const struct record *record, unsigned missing, unsigned extra)
{
    if ((missing & FIELD_SCHEME) != 0) {
        return VERDICT_SCHEME_MISSING;
    }
    if ((extra & FIELD_SCHEME) != 0) {
        return VERDICT_SCHEME_NOT_ZERO;
    }
    if ((missing & FIELD_REF) != 0) {
        return VERDICT_REF_MISSING;
    }
    if ((extra & (FIELD_REF | FIELD_REF_PARTICIPANT)) != 0) {
        return VERDICT_REF_NOT_ZERO;
    }
    if ((missing & FIELD_MATCH_KEY) != 0) {
        return VERDICT_MATCH_KEY_MISSING;
    }
    if (!is_date(record->business_date)) {
        return VERDICT_BUSINESS_DATE;
    }
    if ((extra & FIELD_TIMEOUT) != 0) {
        return VERDICT_TIMEOUT_NOT_ZERO;
    }
    if ((extra & FIELD_MCC) != 0 || record->mcc > 9999) {
        return VERDICT_MCC;
    }
    if (!is_reason(record->reason)) {
        return VERDICT_REASON;
    }
    return (extra & FIELD_PRIORITY) != 0 ? VERDICT_PRIORITY_NOT_ZERO : VERDICT_POSTED;
}

enum verdict rules_check_form(const struct filing *filing)
{
    const struct rule *rule = NULL;
    enum verdict verdict = check_kind(filing, &rule);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    unsigned present = present_fields(filing->record);
    unsigned missing = rule->required & ~present;
    unsigned extra = rule->zero & present;
    verdict = check_money_and_sides(filing->record, missing, extra);
    return verdict != VERDICT_POSTED ? verdict : check_the_rest(filing->record, missing, extra);
}

static enum verdict check_scheme(const struct registry *registry, const struct rule *rule,
                                 struct filing *filing)
{
    const struct record *record = filing->record;
    filing->scheme = registry_scheme(registry, record->scheme);
    if (filing->scheme == NULL) {
        return VERDICT_SCHEME_UNKNOWN;
    }
    if ((rule->modes & MODE_BIT(filing->scheme->service->mode)) == 0) {
        return VERDICT_SCHEME_KIND;
    }
    /* Matching two halves is not open; a scheme with one confirmation rests on its mandate. */
    return filing->scheme->row->confirmations != 1 ? VERDICT_SCHEME_NOT_OPEN : VERDICT_POSTED;
}

/* Which sides of the record the submitter is. */
static unsigned sides_of(const struct filing *filing)
{
    unsigned sides = 0;
    sides |= filing->submitter == filing->record->payer ? SIDE_PAYER : 0u;
    sides |= filing->submitter == filing->record->payee ? SIDE_PAYEE : 0u;
    sides |= filing->submitter == filing->scheme->row->network ? SIDE_NETWORK : 0u;
    return sides;
}

static enum verdict check_submitter(const struct registry *registry, const struct rule *rule,
                                    const struct filing *filing)
{
    const struct record *record = filing->record;
    if (rule->agent) {
        uint32_t index = number_map_find(&registry->participants, filing->submitter);
        CHECK(index != REGISTRY_NONE);
        bool is_agent = (registry->genesis->participants[index].roles & ROLE_AGENT) != 0;
        return is_agent ? VERDICT_POSTED : VERDICT_NOT_AGENT;
    }
    unsigned sides = sides_of(filing);
    if (sides == 0) {
        return VERDICT_NOT_A_SIDE;
    }
    unsigned permitted =
        rule->submitters != 0 ? rule->submitters : (unsigned)filing->scheme->row->submitters;
    if ((sides & permitted) == 0) {
        return VERDICT_SIDE_NOT_PERMITTED;
    }
    bool has_network_fee = record->payer_fee != 0 || record->payee_fee != 0;
    return has_network_fee && filing->scheme->network == REGISTRY_NONE ? VERDICT_NO_NETWORK
                                                                       : VERDICT_POSTED;
}

enum verdict rules_check_authority(const struct registry *registry, struct filing *filing)
{
    const struct record *record = filing->record;
    const struct rule *rule = &RULES[record->kind];
    CHECK(rule->open);
    filing->scheme = NULL;
    if (!rule->agent) {
        enum verdict verdict = check_scheme(registry, rule, filing);
        if (verdict != VERDICT_POSTED) {
            return verdict;
        }
    }
    filing->currency = number_map_find(&registry->currencies, record->currency);
    if (filing->currency == REGISTRY_NONE) {
        return VERDICT_CURRENCY_UNKNOWN;
    }
    if (filing->scheme != NULL && filing->currency != filing->scheme->currency) {
        return VERDICT_CURRENCY_DIFFERS;
    }
    filing->payer = REGISTRY_NONE;
    if (record->payer != 0) {
        filing->payer = number_map_find(&registry->participants, record->payer);
        if (filing->payer == REGISTRY_NONE) {
            return VERDICT_PAYER_UNKNOWN;
        }
    }
    filing->payee = number_map_find(&registry->participants, record->payee);
    if (filing->payee == REGISTRY_NONE) {
        return VERDICT_PAYEE_UNKNOWN;
    }
    return check_submitter(registry, rule, filing);
}

bool rules_takes_match_key(unsigned kind)
{
    return kind < RULE_COUNT && RULES[kind].takes_match_key;
}
