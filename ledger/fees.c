/* fees: who pays what a record comes to (see fees.h). */
#include "ledger/fees.h"

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
static bool network_agrees(const struct record *record, const struct reference *reference,
                           int64_t gain)
{
    if (gain >= 0) {
        return true;
    }
    return reference->acts && reference->network_fees > 0 &&
           -(__int128)gain * (__int128)reference->amount <=
               (__int128)reference->network_fees * (__int128)record->amount;
}

enum verdict fees_check(const struct filing *filing, const struct reference *reference)
{
    const struct record *record = filing->record;
    if (record->kind != RECORD_PAY && record->kind != RECORD_REFUND) {
        return VERDICT_POSTED;
    }
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
        agreed = agreed && network_agrees(record, reference, gains.network);
    }
    return agreed ? VERDICT_POSTED : VERDICT_FEE_NOT_MANDATED;
}
