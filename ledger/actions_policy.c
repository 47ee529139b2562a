/*
 * actions_policy: who proposes, who approves, and when an action lapses (docs/ledger.md, Actions).
 * Distinct people are told apart by distinct keys: a maker's key never approves its own action.
 */
#include "base/check.h"
#include "ledger/actions.h"
#include "ledger/effect.h"

#define SECONDS_A_DAY 86400u
#define LAPSE_MS (7ull * SECONDS_A_DAY * 1000)
#define KEYS_MAKER_CHECKER 2u

bool actions_policy(const struct ledger *ledger, unsigned kind, struct action_rule *ret_policy)
{
    if (kind == ACTION_VALIDATORS) {
        *ret_policy = (struct action_rule){.by_validators = true,
                                           .proposers = ROLE_OPERATOR,
                                           .keys = KEYS_MAKER_CHECKER,
                                           .lapse_ms = LAPSE_MS};
        return true;
    }
    if (kind < POLICY_KIND_FIRST || kind >= POLICY_KIND_FIRST + POLICY_COUNT) {
        return false;
    }
    const struct action_policy *policy = effect_policy(ledger, (uint16_t)kind);
    *ret_policy = (struct action_rule){.proposers = policy->proposers,
                                       .approvers = policy->approvers,
                                       .keys = policy->approvals,
                                       .lapse_ms = 1000ull * policy->lapse_s};
    return true;
}

static uint32_t validators_of(const struct ledger *ledger, uint32_t participant)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ledger->roster.count; i++) {
        count += ledger->roster.members[i].validator.participant == participant;
    }
    return count;
}

static uint32_t roles_of(const struct ledger *ledger, uint32_t participant)
{
    uint32_t index = number_map_find(&ledger->registry.participants, participant);
    return index == REGISTRY_NONE ? 0 : ledger->registry.genesis->participants[index].roles;
}

bool actions_may_propose(const struct ledger *ledger, const struct action_rule *policy,
                         uint32_t participant)
{
    return (roles_of(ledger, participant) & policy->proposers) != 0 ||
           (policy->by_validators && validators_of(ledger, participant) > 0);
}

bool actions_may_answer(const struct ledger *ledger, const struct action_rule *policy,
                        uint32_t participant)
{
    return policy->by_validators ? validators_of(ledger, participant) > 0
                                 : (roles_of(ledger, participant) & policy->approvers) != 0;
}

/* Validators whose owners gave this reply; the maker stands for its own. Each owner counts once,
   whatever number of its keys answered. */
static uint32_t weight(const struct ledger *ledger, const struct action_row *row,
                       enum action_reply reply)
{
    uint32_t count = reply == ACTION_YES ? validators_of(ledger, row->participant) : 0;
    for (uint32_t i = 0; i < row->answer_count; i++) {
        if (row->answers[i].reply == (uint32_t)reply &&
            row->answers[i].participant != row->participant) {
            count += validators_of(ledger, row->answers[i].participant);
        }
    }
    return count;
}

static uint32_t keys_behind(const struct action_row *row)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < row->answer_count; i++) {
        count += row->answers[i].reply == ACTION_YES;
    }
    return count;
}

bool actions_enough(const struct ledger *ledger, const struct action_rule *policy,
                    const struct action_row *row)
{
    if (keys_behind(row) < policy->keys) {
        return false;
    }
    return !policy->by_validators ||
           weight(ledger, row, ACTION_YES) >= quorum_of(ledger->roster.count);
}

bool actions_hopeless(const struct ledger *ledger, const struct action_rule *policy,
                      const struct action_row *row)
{
    CHECK(row->answer_count > 0);
    if (!policy->by_validators) {
        return true; /* one refusal ends it */
    }
    return ledger->roster.count - weight(ledger, row, ACTION_NO) < quorum_of(ledger->roster.count);
}
