/* kinds: the table (see kinds.h). */
#include "ledger/kinds.h"

#include "base/check.h"
#include "ledger/genesis.h"

#define DEFERRED (1 << SERVICE_DEFERRED)
#define GROSS (1 << SERVICE_GROSS)
#define SIDES (FIELD_PAYER | FIELD_PAYEE)
#define REFS (FIELD_REF | FIELD_REF_PARTICIPANT)
#define ON(kind) (1u << (kind))

/* A transaction of a scheme, and an act on one of a scheme. */
#define NEW_FIELDS (FIELD_AMOUNT | SIDES | FIELD_SCHEME)
#define ACT_FIELDS (SIDES | FIELD_SCHEME | FIELD_REF)
/* Steps that say nothing of their own: no amount, fees, timeout, mcc, priority. */
#define BARE (FIELD_AMOUNT | FIELD_FEES | FIELD_TIMEOUT | FIELD_MCC | FIELD_PRIORITY)
/* Money of one participant, outside schemes. */
#define MONEY_ZERO (FIELD_FEES | FIELD_SCHEME | REFS | FIELD_TIMEOUT | FIELD_MCC | FIELD_PRIORITY)
#define DISPUTE(side)                                                                              \
    {                                                                                              \
        .required = ACT_FIELDS, .zero = BARE, .modes = DEFERRED, .filer = FILER_SIDES,             \
        .sides = (side), .engine = ENGINE_DISPUTE, .acts_on = ON(RECORD_CHARGEBACK)                \
    }
#define ANSWER                                                                                     \
    {                                                                                              \
        .required = FIELD_PAYER | FIELD_REF, .zero = BARE, .flags = RECORD_LINKED,                 \
        .modes = DEFERRED | GROSS, .filer = FILER_AWAITED, .engine = ENGINE_ANSWER,                \
        .acts_on = ON(RECORD_CLEAR) | ON(RECORD_PAY) | ON(RECORD_REVERSE) | ON(RECORD_DEFUND) |    \
                   ON(RECORD_UNPLEDGE)                                                             \
    }
#define OWN_MONEY(no_key, new)                                                                     \
    {                                                                                              \
        .required = FIELD_AMOUNT | FIELD_PAYER, .zero = MONEY_ZERO | FIELD_PAYEE | (no_key),       \
        .flags = RECORD_LINKED, .filer = FILER_OWNER, .engine = ENGINE_MONEY, .is_new = (new),     \
        .takes_match_key = (no_key) == 0                                                           \
    }

static const struct kind KINDS[] = {
    [RECORD_CLEAR] = {.required = NEW_FIELDS,
                      .zero = REFS | FIELD_PRIORITY,
                      .flags = RECORD_LINKED,
                      .modes = DEFERRED,
                      .filer = FILER_SCHEME,
                      .engine = ENGINE_POST,
                      .takes_match_key = true,
                      .is_new = true},
    [RECORD_AFFIRM] = ANSWER,
    [RECORD_REJECT] = ANSWER,
    [RECORD_REVERSE] = {.required = ACT_FIELDS,
                        .zero = FIELD_AMOUNT | FIELD_FEES | FIELD_TIMEOUT | FIELD_PRIORITY,
                        .flags = RECORD_LINKED,
                        .modes = DEFERRED | GROSS,
                        .filer = FILER_SIDES,
                        .sides = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK,
                        .engine = ENGINE_RETURN,
                        .acts_on = ON(RECORD_CLEAR) | ON(RECORD_CAPTURE) | ON(RECORD_PAY)},
    [RECORD_REFUND] = {.required = NEW_FIELDS | FIELD_REF,
                       .zero = FIELD_TIMEOUT | FIELD_PRIORITY,
                       .flags = RECORD_LINKED,
                       .modes = DEFERRED | GROSS,
                       .filer = FILER_SIDES,
                       .sides = SIDE_PAYEE | SIDE_NETWORK,
                       .engine = ENGINE_RETURN,
                       .acts_on = ON(RECORD_CLEAR) | ON(RECORD_CAPTURE) | ON(RECORD_PAY)},
    [RECORD_HOLD] = {.required = NEW_FIELDS,
                     .zero = REFS | FIELD_PRIORITY,
                     .flags = RECORD_LINKED,
                     .modes = DEFERRED,
                     .filer = FILER_SCHEME,
                     .engine = ENGINE_POST,
                     .takes_match_key = true,
                     .is_new = true},
    [RECORD_CAPTURE] = {.required = NEW_FIELDS | FIELD_REF,
                        .zero = FIELD_TIMEOUT | FIELD_PRIORITY,
                        .flags = RECORD_LINKED | RECORD_FINAL,
                        .modes = DEFERRED,
                        .filer = FILER_SIDES,
                        .sides = SIDE_PAYEE | SIDE_NETWORK,
                        .engine = ENGINE_HOLD,
                        .acts_on = ON(RECORD_HOLD)},
    [RECORD_RELEASE] = {.required = ACT_FIELDS,
                        .zero = FIELD_AMOUNT | FIELD_FEES | FIELD_TIMEOUT | FIELD_PRIORITY,
                        .flags = RECORD_LINKED,
                        .modes = DEFERRED,
                        .filer = FILER_SIDES,
                        .sides = SIDE_PAYEE | SIDE_NETWORK,
                        .engine = ENGINE_HOLD,
                        .acts_on = ON(RECORD_HOLD)},
    [RECORD_PAY] = {.required = NEW_FIELDS,
                    .zero = REFS,
                    .flags = RECORD_LINKED | RECORD_QUEUE,
                    .modes = GROSS,
                    .filer = FILER_SIDES,
                    .sides = SIDE_PAYER,
                    .engine = ENGINE_POST,
                    .takes_match_key = true,
                    .is_new = true},
    [RECORD_CANCEL] = {.required = ACT_FIELDS,
                       .zero = BARE | FIELD_REF_PARTICIPANT,
                       .modes = GROSS,
                       .filer = FILER_SIDES,
                       .sides = SIDE_PAYER,
                       .engine = ENGINE_QUEUE,
                       .acts_on = ON(RECORD_PAY)},
    [RECORD_REPRIORITISE] = {.required = ACT_FIELDS,
                             .zero = (BARE & ~FIELD_PRIORITY) | FIELD_REF_PARTICIPANT,
                             .modes = GROSS,
                             .filer = FILER_SIDES,
                             .sides = SIDE_PAYER,
                             .engine = ENGINE_QUEUE,
                             .acts_on = ON(RECORD_PAY)},
    [RECORD_CHARGEBACK] = {.required = NEW_FIELDS | FIELD_REF,
                           .zero = FIELD_FEES | FIELD_TIMEOUT | FIELD_PRIORITY,
                           .modes = DEFERRED,
                           .filer = FILER_SIDES,
                           .sides = SIDE_PAYER,
                           .engine = ENGINE_DISPUTE,
                           .acts_on = ON(RECORD_CLEAR) | ON(RECORD_CAPTURE)},
    [RECORD_ACCEPT] = DISPUTE(SIDE_PAYEE),
    [RECORD_REPRESENT] = DISPUTE(SIDE_PAYEE),
    [RECORD_PRE_ARBITRATE] = DISPUTE(SIDE_PAYER),
    [RECORD_WITHDRAW] = DISPUTE(SIDE_PAYER),
    [RECORD_DECLINE] = DISPUTE(SIDE_PAYEE),
    [RECORD_RULE] = {.required = ACT_FIELDS,
                     .zero = BARE,
                     .flags = RECORD_OUTCOME,
                     .modes = DEFERRED,
                     .filer = FILER_SIDES,
                     .sides = SIDE_NETWORK,
                     .engine = ENGINE_DISPUTE,
                     .acts_on = ON(RECORD_CHARGEBACK)},
    [RECORD_FEE] = {.required = NEW_FIELDS,
                    .zero = FIELD_FEES | REFS | FIELD_TIMEOUT | FIELD_PRIORITY,
                    .flags = RECORD_LINKED,
                    .modes = DEFERRED,
                    .filer = FILER_SIDES,
                    .sides = SIDE_PAYER | SIDE_NETWORK, /* the network: by SCHEME_FEE_MANDATE */
                    .engine = ENGINE_POST,
                    .takes_match_key = true,
                    .is_new = true},
    [RECORD_FUND] = {.required = FIELD_AMOUNT | FIELD_PAYEE | FIELD_MATCH_KEY,
                     .zero = MONEY_ZERO | FIELD_PAYER,
                     .flags = RECORD_LINKED,
                     .filer = FILER_AGENT,
                     .engine = ENGINE_POST,
                     .takes_match_key = true},
    [RECORD_DEFUND] = OWN_MONEY(0, true),
    [RECORD_PLEDGE] = OWN_MONEY(FIELD_MATCH_KEY, false),
    [RECORD_UNPLEDGE] = OWN_MONEY(FIELD_MATCH_KEY, true),
    [RECORD_CONTRIBUTE] = OWN_MONEY(FIELD_MATCH_KEY, false),
};

const struct kind *kind_of(unsigned kind)
{
    CHECK(kind >= RECORD_CLEAR && kind < sizeof KINDS / sizeof KINDS[0]);
    return &KINDS[kind];
}
