/* lockout: policies that can be satisfied (see lockout.h). */
#include "ledger/lockout.h"

static uint32_t keys_that_act(const struct genesis_participant *participant)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < participant->key_count; i++) {
        count += (participant->keys[i].permissions & PERMISSION_ACT) != 0;
    }
    return count;
}

/* How many keys can stand behind an action: one of the maker, and one of each other participant
   that may approve; the maker's own counts again if it has a second key. */
static bool can_be_satisfied(const struct genesis *genesis, const struct action_policy *policy)
{
    uint32_t approvers = 0;
    uint32_t best = 0;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const struct genesis_participant *participant = &genesis->participants[i];
        approvers +=
            (participant->roles & policy->approvers) != 0 && keys_that_act(participant) > 0;
    }
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const struct genesis_participant *maker = &genesis->participants[i];
        uint32_t keys = keys_that_act(maker);
        if ((maker->roles & policy->proposers) == 0 || keys == 0) {
            continue;
        }
        bool only_once = (maker->roles & policy->approvers) != 0 && keys == 1;
        uint32_t behind = 1 + approvers - (only_once ? 1 : 0);
        best = behind > best ? behind : best;
    }
    return best >= policy->approvals;
}

bool lockout_follows(const struct genesis *before, const struct genesis *after)
{
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        if (can_be_satisfied(before, &before->parameters.policies[i]) &&
            !can_be_satisfied(after, &after->parameters.policies[i])) {
            return true;
        }
    }
    return false;
}
