/* verdict_proofs: see verdict_proofs.h. */
#include "tests/support/verdict_proofs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define VERDICTS_MAX 1000u

static const struct {
    enum verdict verdict;
    const char *program;
} OF_ACTIONS[] = {
    {VERDICT_ACTION_FORM, PROOFS_ACTION_BYTES},
    {VERDICT_CHANGE_EMPTY, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_KEY_MISSING, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_NAME, PROOFS_ACTIONS},
    {VERDICT_EVIDENCE_NO_CONFLICT, PROOFS_ACTION_BYTES},
    {VERDICT_ACTION_KEY, PROOFS_ACTIONS},
    {VERDICT_NOT_PROPOSER, PROOFS_ACTIONS},
    {VERDICT_NOT_APPROVER, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_PARTICIPANT, PROOFS_ACTIONS},
    {VERDICT_NOT_CANDIDATE, PROOFS_ACTIONS},
    {VERDICT_NUMBER_NOT_NEXT, PROOFS_EFFECTS},
    {VERDICT_NOT_REGISTERED, PROOFS_EFFECTS},
    {VERDICT_FIXED_FIELD, PROOFS_EFFECTS},
    {VERDICT_OUT_OF_RANGE, PROOFS_EFFECTS},
    {VERDICT_ACTION_NOT_FOUND, PROOFS_ACTIONS},
    {VERDICT_ACTION_ENDED, PROOFS_ACTIONS},
    {VERDICT_ANSWERED_BEFORE, PROOFS_ACTIONS},
    {VERDICT_ACTIONS_FULL, PROOFS_ACTIONS},
    {VERDICT_ACTIONS_FULL_OWN, PROOFS_ACTIONS},
    {VERDICT_EPOCH_DIFFERS, PROOFS_ACTIONS},
    {VERDICT_CHANGE_UNDER_WAY, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_UNKNOWN, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_EXISTS, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_TWICE, PROOFS_ACTIONS},
    {VERDICT_VALIDATOR_KEY_NUMBER, PROOFS_ACTIONS},
    {VERDICT_VALIDATORS_TOO_FEW, PROOFS_ACTIONS},
    {VERDICT_VALIDATORS_TOO_MANY, PROOFS_ACTIONS},
    {VERDICT_EVIDENCE_EPOCH, PROOFS_ACTION_BYTES},
    {VERDICT_CYCLE_STATE, PROOFS_EFFECTS},
};

#define OF_ACTIONS_COUNT (sizeof OF_ACTIONS / sizeof OF_ACTIONS[0])

static bool noted[VERDICTS_MAX];

unsigned proofs_note(unsigned verdict)
{
    assert_true(verdict < VERDICTS_MAX);
    noted[verdict] = true;
    return verdict;
}

bool proofs_noted(unsigned verdict)
{
    return verdict < VERDICTS_MAX && noted[verdict];
}

const char *proofs_by(unsigned verdict)
{
    for (size_t i = 0; i < OF_ACTIONS_COUNT; i++) {
        if ((unsigned)OF_ACTIONS[i].verdict == verdict) {
            return OF_ACTIONS[i].program;
        }
    }
    return NULL;
}

unsigned proofs_listed(void)
{
    return OF_ACTIONS_COUNT;
}

void proofs_expect(const char *program)
{
    unsigned own = 0;
    for (size_t i = 0; i < OF_ACTIONS_COUNT; i++) {
        if (strcmp(OF_ACTIONS[i].program, program) == 0) {
            own++;
            if (!noted[OF_ACTIONS[i].verdict]) {
                fail_msg("no case of %s reaches %s", program, verdict_name(OF_ACTIONS[i].verdict));
            }
        }
    }
    assert_true(own > 0);
    print_message("%s reached its %u verdicts\n", program, own);
}
