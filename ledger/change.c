/* change: checks and applies a change of validators (see change.h). */
#include "ledger/change.h"

#include "base/check.h"
#include "ledger/roster.h"

/* A set below this size tolerates no faulty member; a network may start so, but not sink to it. */
#define ROSTER_SAFE 4u

static bool key_is_zero(const struct public_key *key)
{
    return bytes_are_zero(key, sizeof *key);
}

/* The member that a REMOVE or REPLACE names, or UINT32_MAX. */
static uint32_t target_of(const struct roster *roster, const struct action_change *change)
{
    const struct ledger_validator *member = roster_find(roster, &change->old_key);
    return member == NULL ? UINT32_MAX : (uint32_t)(member - roster->members);
}

/* The member that a change brings in. */
static struct ledger_validator new_member(const struct roster *roster,
                                          const struct action_change *change)
{
    struct ledger_validator member = {.validator = {.key = change->key,
                                                    .transport_key = change->transport_key,
                                                    .participant = change->participant}};
    memcpy(member.name, change->name, sizeof member.name);
    if (change->op == CHANGE_REPLACE) {
        const struct ledger_validator *old = roster_find(roster, &change->old_key);
        CHECK(old != NULL);
        member.validator.participant = old->validator.participant;
        if (member.name[0] == 0) {
            memcpy(member.name, old->name, sizeof member.name);
        }
    }
    return member;
}

static bool is_new(const struct action_change *change)
{
    return change->op != CHANGE_REMOVE;
}

uint32_t change_new_count(const struct action *action)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < action->change_count; i++) {
        count += is_new(&action->changes[i]);
    }
    return count;
}

bool change_new_member(const struct roster *roster, const struct action *action, uint32_t index,
                       struct ledger_validator *ret_validator)
{
    for (uint32_t i = 0; i < action->change_count; i++) {
        if (is_new(&action->changes[i]) && index-- == 0) {
            *ret_validator = new_member(roster, &action->changes[i]);
            return true;
        }
    }
    return false;
}

/* What a change says of itself, and of the participant it names. */
static enum verdict check_fields(const struct registry *registry,
                                 const struct action_change *change)
{
    if (!is_new(change)) {
        return VERDICT_POSTED;
    }
    if (key_is_zero(&change->key) ||
        bytes_are_zero(&change->transport_key, sizeof change->transport_key)) {
        return VERDICT_VALIDATOR_KEY_MISSING;
    }
    if (!action_is_text(change->name, sizeof change->name) ||
        (change->op == CHANGE_ADD && change->name[0] == 0)) {
        return VERDICT_VALIDATOR_NAME;
    }
    if (change->op == CHANGE_ADD &&
        number_map_find(&registry->participants, change->participant) == REGISTRY_NONE) {
        return VERDICT_VALIDATOR_PARTICIPANT;
    }
    return VERDICT_POSTED;
}

/* Whether two members could be taken for one another: by a key, or by the number under which they
   sign batches. */
static enum verdict compare(const struct validator *a, const struct validator *b,
                            bool same_channel_allowed)
{
    if (memcmp(&a->key, &b->key, sizeof a->key) == 0 ||
        (!same_channel_allowed &&
         memcmp(&a->transport_key, &b->transport_key, sizeof a->transport_key) == 0)) {
        return VERDICT_VALIDATOR_EXISTS;
    }
    return a->participant == b->participant &&
                   validator_key_no(&a->key) == validator_key_no(&b->key)
               ? VERDICT_VALIDATOR_KEY_NUMBER
               : VERDICT_POSTED;
}

/* A new member against everyone who is in the set now, also those who leave by the same change: for
   as long as the change waits, both sign. A replaced member may keep its channel's key. */
static enum verdict check_against_roster(const struct roster *roster,
                                         const struct action_change *change)
{
    struct ledger_validator member = new_member(roster, change);
    uint32_t replaced = change->op == CHANGE_REPLACE ? target_of(roster, change) : UINT32_MAX;
    for (uint32_t i = 0; i < roster->count; i++) {
        enum verdict verdict =
            compare(&member.validator, &roster->members[i].validator, i == replaced);
        if (verdict != VERDICT_POSTED) {
            return verdict;
        }
    }
    return VERDICT_POSTED;
}

/* A change against those before it in the same action. */
static enum verdict check_against_others(const struct roster *roster, const struct action *action,
                                         uint32_t at)
{
    const struct action_change *change = &action->changes[at];
    for (uint32_t i = 0; i < at; i++) {
        const struct action_change *other = &action->changes[i];
        if (change->op != CHANGE_ADD && other->op != CHANGE_ADD &&
            memcmp(&change->old_key, &other->old_key, sizeof change->old_key) == 0) {
            return VERDICT_VALIDATOR_TWICE;
        }
        if (is_new(change) && is_new(other)) {
            struct ledger_validator a = new_member(roster, change);
            struct ledger_validator b = new_member(roster, other);
            enum verdict verdict = compare(&a.validator, &b.validator, false);
            if (verdict != VERDICT_POSTED) {
                return verdict;
            }
        }
    }
    return VERDICT_POSTED;
}

/* The number of the lowest verdict that any of the changes gets; POSTED for none. */
static enum verdict check_changes(const struct registry *registry, const struct roster *roster,
                                  const struct action *action)
{
    enum verdict worst = VERDICT_POSTED;
    for (uint32_t i = 0; i < action->change_count; i++) {
        const struct action_change *change = &action->changes[i];
        enum verdict verdict = check_fields(registry, change);
        if (verdict == VERDICT_POSTED && change->op != CHANGE_ADD &&
            target_of(roster, change) == UINT32_MAX) {
            verdict = VERDICT_VALIDATOR_UNKNOWN;
        }
        if (verdict == VERDICT_POSTED && is_new(change)) {
            verdict = check_against_roster(roster, change);
        }
        if (verdict != VERDICT_POSTED && (worst == VERDICT_POSTED || verdict < worst)) {
            worst = verdict;
        }
    }
    for (uint32_t i = 0; i < action->change_count && worst == VERDICT_POSTED; i++) {
        worst = check_against_others(roster, action, i);
    }
    return worst;
}

static const struct action_change *change_of(const struct action *action,
                                             const struct public_key *old_key)
{
    for (uint32_t i = 0; i < action->change_count; i++) {
        const struct action_change *change = &action->changes[i];
        if (change->op != CHANGE_ADD && memcmp(&change->old_key, old_key, sizeof *old_key) == 0) {
            return change;
        }
    }
    return NULL;
}

/* How many members the set has afterwards. */
static uint32_t count_after(const struct roster *roster, const struct action *action)
{
    uint32_t count = roster->count;
    for (uint32_t i = 0; i < action->change_count; i++) {
        count += action->changes[i].op == CHANGE_ADD;
        count -= action->changes[i].op == CHANGE_REMOVE;
    }
    return count;
}

static void build(const struct roster *roster, const struct action *action, struct roster *next)
{
    memset(next, 0, sizeof *next);
    next->epoch = roster->epoch + 1;
    for (uint32_t i = 0; i < roster->count; i++) {
        const struct action_change *change = change_of(action, &roster->members[i].validator.key);
        if (change == NULL) {
            next->members[next->count++] = roster->members[i];
        } else if (change->op == CHANGE_REPLACE) {
            next->members[next->count++] = new_member(roster, change);
        }
    }
    for (uint32_t i = 0; i < action->change_count; i++) {
        if (action->changes[i].op == CHANGE_ADD) {
            next->members[next->count++] = new_member(roster, &action->changes[i]);
        }
    }
    roster_seal(next);
}

enum verdict change_apply(const struct registry *registry, const struct roster *roster,
                          const struct action *action, struct roster *ret_next)
{
    CHECK(action->kind == ACTION_VALIDATORS);
    if (action->change_count == 0) {
        return VERDICT_CHANGE_EMPTY;
    }
    if (action->epoch != roster->epoch) {
        return VERDICT_EPOCH_DIFFERS;
    }
    enum verdict verdict = check_changes(registry, roster, action);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    uint32_t count = count_after(roster, action);
    if (count < 1 || (count < ROSTER_SAFE && roster->count >= ROSTER_SAFE)) {
        return VERDICT_VALIDATORS_TOO_FEW;
    }
    if (count > LIMIT_VALIDATORS) {
        return VERDICT_VALIDATORS_TOO_MANY;
    }
    build(roster, action, ret_next);
    CHECK(ret_next->count == count);
    return VERDICT_POSTED;
}
