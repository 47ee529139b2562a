/* record: the hash of a clearing record and the names of its kinds (see record.h). */
#include "ledger/record.h"

#include <string.h>

static const char *const KIND_NAMES[] = {
    [RECORD_CLEAR] = "CLEAR",
    [RECORD_AFFIRM] = "AFFIRM",
    [RECORD_REJECT] = "REJECT",
    [RECORD_REVERSE] = "REVERSE",
    [RECORD_REFUND] = "REFUND",
    [RECORD_HOLD] = "HOLD",
    [RECORD_CAPTURE] = "CAPTURE",
    [RECORD_RELEASE] = "RELEASE",
    [RECORD_PAY] = "PAY",
    [RECORD_CANCEL] = "CANCEL",
    [RECORD_REPRIORITISE] = "REPRIORITISE",
    [RECORD_CHARGEBACK] = "CHARGEBACK",
    [RECORD_ACCEPT] = "ACCEPT",
    [RECORD_REPRESENT] = "REPRESENT",
    [RECORD_PRE_ARBITRATE] = "PRE_ARBITRATE",
    [RECORD_WITHDRAW] = "WITHDRAW",
    [RECORD_DECLINE] = "DECLINE",
    [RECORD_RULE] = "RULE",
    [RECORD_FEE] = "FEE",
    [RECORD_FUND] = "FUND",
    [RECORD_DEFUND] = "DEFUND",
    [RECORD_PLEDGE] = "PLEDGE",
    [RECORD_UNPLEDGE] = "UNPLEDGE",
    [RECORD_CONTRIBUTE] = "CONTRIBUTE",
};

#define KIND_COUNT (sizeof KIND_NAMES / sizeof KIND_NAMES[0])

struct hash record_hash(const struct record *record)
{
    return hash_of(&PURPOSE_RECORD, record, RECORD_BYTES);
}

const char *record_kind_name(unsigned kind)
{
    return kind < KIND_COUNT ? KIND_NAMES[kind] : NULL;
}

unsigned record_kind_of_name(const char *name)
{
    for (unsigned kind = RECORD_CLEAR; kind < KIND_COUNT; kind++) {
        if (strcmp(KIND_NAMES[kind], name) == 0) {
            return kind;
        }
    }
    return 0;
}
