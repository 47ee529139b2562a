/* rules: form and authority of a record by its kind (see rules.h). */
#include "ledger/rules.h"

#include "base/check.h"
#include "ledger/calendar.h"

#define MODE_BIT(mode) (1u << (mode))
#define PRIORITY_HIGHEST 2

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

static enum verdict check_kind(const struct filing *filing, const struct kind **ret_kind)
{
    const struct record *record = filing->record;
    if (bytes_are_zero(&record->id, sizeof record->id)) {
        return VERDICT_ID_ZERO;
    }
    if (record_kind_name(record->kind) == NULL) {
        return VERDICT_KIND_UNKNOWN;
    }
    const struct kind *kind = kind_of(record->kind);
    if (!bytes_are_zero(record->reserved, sizeof record->reserved)) {
        return VERDICT_RESERVED_NOT_ZERO;
    }
    /* A kind that cannot be linked cannot end a chain either. */
    if ((record->flags & ~kind->flags) != 0 ||
        (filing->in_chain && (kind->flags & RECORD_LINKED) == 0)) {
        return VERDICT_FLAGS;
    }
    if ((record->flags & RECORD_LINKED) != 0 && filing->last_of_batch) {
        return VERDICT_LINKED_OPEN;
    }
    *ret_kind = kind;
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
    bool same = record->payer == record->payee && record->payer != 0;
    return same ? VERDICT_SAME_SIDES : VERDICT_POSTED;
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
    if (!calendar_is_date(record->business_date)) {
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
    /* Of a PAY a priority is for the queue. */
    bool idle_priority = record->kind == RECORD_PAY && (record->flags & RECORD_QUEUE) == 0;
    if ((extra & FIELD_PRIORITY) != 0 || (idle_priority && record->priority != 0)) {
        return VERDICT_PRIORITY_NOT_ZERO;
    }
    if ((extra & FIELD_AMOUNT) != 0) {
        return VERDICT_AMOUNT_NOT_ZERO;
    }
    if ((extra & FIELD_PAYEE) != 0) {
        return VERDICT_PAYEE_NOT_ZERO;
    }
    if ((extra & FIELD_MATCH_KEY) != 0) {
        return VERDICT_MATCH_KEY_NOT_ZERO;
    }
    return record->priority > PRIORITY_HIGHEST ? VERDICT_PRIORITY_UNKNOWN : VERDICT_POSTED;
}

enum verdict rules_check_form(struct filing *filing)
{
    const struct kind *kind = NULL;
    enum verdict verdict = check_kind(filing, &kind);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    filing->kind = kind;
    unsigned present = present_fields(filing->record);
    unsigned missing = kind->required & ~present;
    unsigned extra = kind->zero & present;
    verdict = check_money_and_sides(filing->record, missing, extra);
    return verdict != VERDICT_POSTED ? verdict : check_the_rest(filing->record, missing, extra);
}

static enum verdict check_scheme(const struct registry *registry, struct filing *filing)
{
    filing->scheme = registry_scheme(registry, filing->record->scheme);
    if (filing->scheme == NULL) {
        return VERDICT_SCHEME_UNKNOWN;
    }
    bool carried = (filing->kind->modes & MODE_BIT(filing->scheme->service->mode)) != 0;
    return carried ? VERDICT_POSTED : VERDICT_SCHEME_KIND;
}

unsigned rules_sides(const struct filing *filing)
{
    unsigned sides = 0;
    sides |= filing->submitter == filing->record->payer ? SIDE_PAYER : 0u;
    sides |= filing->submitter == filing->record->payee ? SIDE_PAYEE : 0u;
    sides |= filing->submitter == filing->scheme->row->network ? SIDE_NETWORK : 0u;
    return sides;
}

bool rules_has_role(const struct registry *registry, uint32_t participant, unsigned roles)
{
    uint32_t index = number_map_find(&registry->participants, participant);
    CHECK(index != REGISTRY_NONE);
    return (registry->genesis->participants[index].roles & roles) != 0;
}

/* The sides that may file this record in its scheme. */
static unsigned permitted_sides(const struct filing *filing)
{
    const struct genesis_scheme *scheme = filing->scheme->row;
    unsigned permitted =
        filing->kind->filer == FILER_SCHEME ? scheme->submitters : filing->kind->sides;
    if (filing->record->kind == RECORD_HOLD && scheme->confirmations > 1) {
        permitted &= ~(unsigned)SIDE_PAYEE; /* a hold binds the payer */
    }
    if (filing->record->kind == RECORD_FEE && (scheme->flags & SCHEME_FEE_MANDATE) == 0) {
        permitted &= ~(unsigned)SIDE_NETWORK;
    }
    return permitted;
}

static enum verdict check_submitter(const struct registry *registry, const struct filing *filing)
{
    const struct record *record = filing->record;
    switch ((enum kind_filer)filing->kind->filer) {
    case FILER_AGENT:
        return rules_has_role(registry, filing->submitter, ROLE_AGENT) ? VERDICT_POSTED
                                                                       : VERDICT_NOT_AGENT;
    case FILER_OWNER:
        return filing->submitter == record->payer ? VERDICT_POSTED : VERDICT_NOT_A_SIDE;
    case FILER_AWAITED:
        return filing->scheme == NULL || rules_sides(filing) != 0 ? VERDICT_POSTED
                                                                  : VERDICT_NOT_A_SIDE;
    case FILER_SCHEME:
    case FILER_SIDES:
        break;
    }
    unsigned sides = rules_sides(filing);
    if (sides == 0) {
        return VERDICT_NOT_A_SIDE;
    }
    if ((sides & permitted_sides(filing)) == 0) {
        return VERDICT_SIDE_NOT_PERMITTED;
    }
    bool has_network_fee = record->payer_fee != 0 || record->payee_fee != 0;
    return has_network_fee && filing->scheme->network == REGISTRY_NONE ? VERDICT_NO_NETWORK
                                                                       : VERDICT_POSTED;
}

/* The longest timeout that the scheme allows this record; 0: any. */
static uint32_t longest_timeout(const struct filing *filing)
{
    const struct genesis_scheme *scheme = filing->scheme->row;
    switch (filing->record->kind) {
    case RECORD_HOLD:
        return scheme->hold_timeout_s;
    case RECORD_CLEAR:
        return scheme->match_timeout_s;
    case RECORD_PAY:
        return scheme->confirmations > 1 ? scheme->match_timeout_s : 0;
    }
    return 0;
}

static bool is_suspended(const struct registry *registry, uint32_t index)
{
    return index != REGISTRY_NONE && registry_is_suspended(registry, index);
}

/* What a member owes, its sponsor pays: a suspended one lets no new debt come to its group. */
static bool sponsor_is_suspended(const struct registry *registry, const struct filing *filing)
{
    bool deferred = filing->scheme != NULL && filing->scheme->service->mode == SERVICE_DEFERRED;
    return deferred && filing->payer != REGISTRY_NONE &&
           is_suspended(registry, registry->sponsors[filing->payer]);
}

/* 230 and on: standing, and what the scheme does not offer. */
static enum verdict check_standing(const struct registry *registry, const struct filing *filing)
{
    uint32_t submitter = number_map_find(&registry->participants, filing->submitter);
    if (filing->kind->is_new &&
        (is_suspended(registry, submitter) || is_suspended(registry, filing->payer) ||
         sponsor_is_suspended(registry, filing))) {
        return VERDICT_SUSPENDED;
    }
    if (filing->scheme == NULL) {
        return VERDICT_POSTED;
    }
    const struct record *record = filing->record;
    if (record->kind == RECORD_CHARGEBACK && filing->scheme->row->chargeback_s == 0) {
        return VERDICT_NO_DISPUTES;
    }
    uint32_t longest = longest_timeout(filing);
    if (longest != 0 && record->timeout_s > longest) {
        return VERDICT_TIMEOUT_TOO_LONG;
    }
    bool queues = (record->flags & RECORD_QUEUE) != 0;
    return queues && filing->scheme->row->confirmations > 1 ? VERDICT_QUEUE_NOT_IN_SCHEME
                                                            : VERDICT_POSTED;
}

enum verdict rules_check_authority(const struct registry *registry, struct filing *filing)
{
    const struct record *record = filing->record;
    filing->scheme = NULL;
    bool has_scheme =
        filing->kind->filer == FILER_AWAITED ? record->scheme != 0 : filing->kind->modes != 0;
    if (has_scheme) {
        enum verdict verdict = check_scheme(registry, filing);
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
    filing->payee = REGISTRY_NONE;
    if (record->payee != 0) {
        filing->payee = number_map_find(&registry->participants, record->payee);
        if (filing->payee == REGISTRY_NONE) {
            return VERDICT_PAYEE_UNKNOWN;
        }
    }
    enum verdict verdict = check_submitter(registry, filing);
    return verdict != VERDICT_POSTED ? verdict : check_standing(registry, filing);
}
