/* ledger_governed: see ledger_governed.h. */
#include "tests/support/ledger_governed.h"

#include "base/check.h"

void governed_begin(struct governed_body *body, enum action_kind kind)
{
    body->writer = writer_over(body->bytes, sizeof body->bytes);
    writer_u16(&body->writer, ACTION_VERSION);
    writer_u16(&body->writer, (uint16_t)kind);
    writer_u32(&body->writer, 0);
}

void governed_policies(struct genesis *genesis, uint16_t approvals)
{
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        genesis->parameters.policies[i] =
            (struct action_policy){.kind = (uint16_t)(POLICY_KIND_FIRST + i),
                                   .approvals = approvals,
                                   .proposers = ROLE_OPERATOR,
                                   .approvers = ROLE_OPERATOR,
                                   .lapse_s = 600};
    }
}

struct ledger_fixture *governed_new(uint32_t validators)
{
    struct ledger_fixture *f = fixture_new();
    fixture_governed(f, validators);
    fixture_start(f);
    return f;
}

uint32_t governed_key_no(uint32_t index)
{
    struct public_key key = fixture_validator_key(index);
    return validator_key_no(&key);
}

void governed_add(struct action *action, uint32_t participant, uint32_t index)
{
    struct public_key key = fixture_validator_key(index);
    struct transport_key channel = fixture_validator_channel(index);
    action_add(action, participant, &key, &channel, "new");
}

void governed_remove(struct action *action, uint32_t index)
{
    struct public_key key = fixture_validator_key(index);
    action_remove(action, &key);
}

void governed_replace(struct action *action, uint32_t old, uint32_t index)
{
    struct public_key old_key = fixture_validator_key(old);
    struct public_key key = fixture_validator_key(index);
    struct transport_key channel = fixture_validator_channel(index);
    action_replace(action, &old_key, &key, &channel);
}

struct action governed_addition(uint64_t epoch)
{
    struct action action = action_changing(epoch);
    governed_add(&action, 6, 200);
    return action;
}

struct action governed_answer(enum action_kind kind, struct hash id)
{
    return action_answering(kind, &id);
}

struct hash governed_approved_addition(struct ledger_fixture *f)
{
    struct hash id;
    struct action action = governed_addition(ledger_epoch(f->ledger));
    CHECK(fixture_act(f, 1, 1, &action, &id) == VERDICT_POSTED);
    action = governed_answer(ACTION_APPROVE, id);
    CHECK(fixture_act(f, 2, 2, &action, NULL) == VERDICT_POSTED);
    CHECK(governed_row(f, &id).state == ACTION_PROPOSED);
    CHECK(fixture_act(f, 3, 2, &action, NULL) == VERDICT_POSTED);
    CHECK(governed_row(f, &id).state == ACTION_APPROVED);
    return id;
}

struct action_row governed_row(struct ledger_fixture *f, const struct hash *id)
{
    struct action_row row;
    struct span body;
    struct span value = ledger_store_get(f->store, TABLE_ACTIONS, id->bytes, HASH_BYTES);
    CHECK(value.data != NULL);
    CHECK(action_row_decode((struct span){id->bytes, HASH_BYTES}, value, &row, &body) == STATUS_OK);
    return row;
}
