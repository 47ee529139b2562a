/* fees: rules of schemes, and who pays what a record comes to (see fees.h). */
#include "ledger/fees.h"

#include "base/check.h"

#define PPM 1000000u

/* What each side gains. At most four amounts below 10^18 each: they fit. */
struct gains {
    int64_t payer;
    int64_t payee;
    int64_t network;
};

static struct gains gains_of(const struct record *record, uint32_t network)
{
    int64_t amount = (int64_t)record->amount;
    int64_t paid = (record->kind == RECORD_REFUND ? -amount : amount) - record->interchange;
    struct gains gains = {.payer = -paid - record->payer_fee,
                          .payee = paid - record->payee_fee,
                          .network = record->payer_fee + record->payee_fee};
    if (network == record->payer) {
        gains.payer += gains.network;
        gains.network = gains.payer;
    } else if (network == record->payee) {
        gains.payee += gains.network;
        gains.network = gains.payee;
    }
    return gains;
}

/* What a network pays without having filed: its part of the fees of what is returned. */
static bool network_agrees(const struct record *record, const struct subject *original,
                           int64_t gain)
{
    if (gain >= 0) {
        return true;
    }
    if (original == NULL) {
        return false;
    }
    int64_t fees = original->record->payer_fee + original->record->payee_fee;
    return fees > 0 && -(__int128)gain * (__int128)original->record->amount <=
                           (__int128)fees * (__int128)record->amount;
}

static bool is_mandated(const struct filing *filing, const struct subject *original)
{
    const struct record *record = filing->record;
    uint32_t network = filing->scheme->row->network;
    struct gains gains = gains_of(record, network);
    bool agreed = false;
    if (record->kind == RECORD_PAY) {
        agreed = gains.payee >= 0;
    } else {
        agreed = gains.payer >= 0 &&
                 (filing->submitter == record->payee || gains.payee >= -(int64_t)record->amount);
    }
    /* A network that is payer or payee is bound by the rule for that side. */
    if (network != 0 && network != filing->submitter && network != record->payer &&
        network != record->payee) {
        agreed = agreed && network_agrees(record, original, gains.network);
    }
    return agreed;
}

static bool fits(const struct fee_rule *rule, enum fee_which which, const struct record *record)
{
    return rule->which == which && rule->from_date <= record->business_date &&
           (rule->to_date == 0 || record->business_date <= rule->to_date) &&
           rule->mcc_from <= record->mcc && record->mcc <= rule->mcc_to;
}

/* amount * rate / 10^6 in whole minor units. */
static unsigned __int128 rounded(unsigned __int128 product, unsigned rounding)
{
    unsigned __int128 whole = product / PPM;
    uint32_t rest = (uint32_t)(product % PPM);
    bool up = false;
    switch ((enum fee_rounding)rounding) {
    case ROUND_HALF_UP:
        up = rest >= PPM / 2;
        break;
    case ROUND_HALF_EVEN:
        up = rest > PPM / 2 || (rest == PPM / 2 && (whole & 1) != 0);
        break;
    case ROUND_DOWN:
        break;
    case ROUND_UP:
        up = rest != 0;
        break;
    }
    return whole + (up ? 1 : 0);
}

int64_t fees_expected(const struct genesis_scheme *scheme, enum fee_which which,
                      const struct record *record)
{
    for (uint32_t i = 0; i < scheme->fee_rule_count; i++) {
        const struct fee_rule *rule = &scheme->fee_rules[i];
        if (!fits(rule, which, record)) {
            continue;
        }
        uint32_t rate = (uint32_t)(rule->rate_ppm < 0 ? -(int64_t)rule->rate_ppm : rule->rate_ppm);
        unsigned __int128 size = rounded((unsigned __int128)record->amount * rate, rule->rounding);
        size = size < rule->minimum ? rule->minimum : size;
        size = rule->cap != 0 && size > rule->cap ? rule->cap : size;
        CHECK(size <= LIMIT_AMOUNT); /* the amount, the minimum and the rate of 1 bound it */
        return rule->rate_ppm < 0 ? -(int64_t)size : (int64_t)size;
    }
    return 0;
}

static bool is_expected(const struct filing *filing)
{
    const struct record *record = filing->record;
    const struct genesis_scheme *scheme = filing->scheme->row;
    return record->interchange == fees_expected(scheme, FEE_INTERCHANGE, record) &&
           record->payer_fee == fees_expected(scheme, FEE_PAYER, record) &&
           record->payee_fee == fees_expected(scheme, FEE_PAYEE, record);
}

enum verdict fees_check(const struct filing *filing, const struct subject *original)
{
    unsigned kind = filing->record->kind;
    bool mandate_needed = kind == RECORD_PAY || kind == RECORD_REFUND;
    if (mandate_needed && !is_mandated(filing, original)) {
        return VERDICT_FEE_NOT_MANDATED;
    }
    bool has_rules = kind == RECORD_CLEAR || kind == RECORD_CAPTURE || kind == RECORD_PAY;
    if (has_rules && (filing->scheme->row->flags & SCHEME_FEES_BINDING) != 0 &&
        !is_expected(filing)) {
        return VERDICT_FEE_DIFFERS;
    }
    return VERDICT_POSTED;
}
