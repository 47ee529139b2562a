/*
 * test_action_distinct_keys: one public key stands for one person (docs/ledger.md, Actions). No
 * genesis and no action gives a key to two places; and should it ever stand in two, it approves
 * once. The check stays fast in the largest network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/prng.h"
#include "ledger/genesis_rows.h"
#include "tests/support/ledger_governed.h"

#define KEY_ADD 1u

static unsigned propose(struct ledger_fixture *f, const struct governed_body *body,
                        struct hash *ret_id)
{
    assert_false(body->writer.failed);
    struct hash id =
        fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, 1, body->bytes, body->writer.used);
    fixture_block(f);
    if (ret_id != NULL) {
        *ret_id = id;
    }
    return fixture_verdict(f, 0, 0);
}

/* A network in which operators and banks decide with two keys, with room for one more. */
static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.participants_max = 9;
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        struct action_policy *policy = &f->genesis.parameters.policies[i];
        policy->kind = (uint16_t)(POLICY_KIND_FIRST + i);
        policy->approvals = 2;
        policy->proposers = policy->approvers = ROLE_OPERATOR | ROLE_BANK;
        policy->lapse_s = 600;
    }
    fixture_governed(f, 1);
    fixture_start(f);
    return f;
}

/* A new participant with these keys, and one channel key. */
static unsigned propose_participant(struct ledger_fixture *f, const struct public_key *first,
                                    const struct public_key *second,
                                    const struct transport_key *channel)
{
    struct genesis_participant row = {
        .number = 20,
        .roles = ROLE_BANK,
        .status = STANDING_ACTIVE,
        .transport_key = *channel,
        .key_count = 2,
        .keys = {{1, PERMISSION_SUBMIT | PERMISSION_ACT, *first}, {2, PERMISSION_ACT, *second}}};
    struct governed_body body;
    memcpy(row.name, "Newcomer", 9);
    governed_begin(&body, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &body.writer);
    return propose(f, &body, NULL);
}

static unsigned propose_key(struct ledger_fixture *f, uint32_t participant,
                            const struct public_key *key)
{
    struct governed_body body;
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, participant);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, KEY_ADD);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, PERMISSION_ACT);
    writer_u32(&body.writer, 0);
    writer_copy(&body.writer, key->bytes, sizeof key->bytes);
    return propose(f, &body, NULL);
}

static void test_actions_give_a_key_once(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    const struct public_key own = f->participants[1].keys[1].key;
    const struct public_key others = f->participants[2].keys[0].key;
    const struct public_key fresh = {{0x11, 0x22}};
    const struct public_key other_fresh = {{0x11, 0x23}};
    const struct transport_key channel = {{0x99}};
    const struct transport_key taken = f->participants[0].transport_key;
    assert_int_equal(propose_key(f, 2, &own), VERDICT_OUT_OF_RANGE);
    assert_int_equal(propose_key(f, 2, &others), VERDICT_OUT_OF_RANGE);
    assert_int_equal(propose_participant(f, &fresh, &fresh, &channel), VERDICT_OUT_OF_RANGE);
    assert_int_equal(propose_participant(f, &fresh, &others, &channel), VERDICT_OUT_OF_RANGE);
    assert_int_equal(propose_participant(f, &fresh, &other_fresh, &taken), VERDICT_OUT_OF_RANGE);
    assert_int_equal(propose_key(f, 2, &fresh), VERDICT_POSTED);
    assert_int_equal(propose_participant(f, &fresh, &other_fresh, &channel), VERDICT_POSTED);
    fixture_reload(f);
    fixture_free(f);
}

/* The second wall: the state itself is bent here, since nothing lets such a key in. */
static void test_a_key_approves_once(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    const struct genesis_limit row = {7, FIXTURE_CNY, 0, 50};
    struct governed_body body;
    struct hash id;
    governed_begin(&body, ACTION_LIMIT);
    genesis_encode_limit(&row, &body.writer);
    struct genesis_participant *now = f->ledger->refdata.now.participants;
    const struct public_key kept = now[0].keys[1].key;
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    now[0].keys[1].key = now[FIXTURE_AGENT - 1].keys[0].key;
    const struct action approval = action_answering(ACTION_APPROVE, &id);
    assert_int_equal(fixture_act(f, 1, 2, &approval, NULL), VERDICT_ANSWERED_BEFORE);
    assert_int_equal(governed_row(f, &id).state, ACTION_PROPOSED);
    now[0].keys[1].key = kept;
    assert_int_equal(fixture_act(f, 1, 2, &approval, NULL), VERDICT_POSTED);
    assert_int_equal(governed_row(f, &id).state, ACTION_DONE);

    /* Nor under the same participant's other number, nor as another approver's. */
    f->ledger->refdata.now.parameters.policies[ACTION_LIMIT - POLICY_KIND_FIRST].approvals = 3;
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    const struct action again = action_answering(ACTION_APPROVE, &id);
    now = f->ledger->refdata.now.participants;
    const struct public_key second = now[FIXTURE_AGENT - 1].keys[1].key;
    now[FIXTURE_AGENT - 1].keys[1].key = now[FIXTURE_AGENT - 1].keys[0].key;
    assert_int_equal(fixture_act(f, FIXTURE_AGENT, 2, &again, NULL), VERDICT_ANSWERED_BEFORE);
    now[FIXTURE_AGENT - 1].keys[1].key = second;
    assert_int_equal(fixture_act(f, 1, 2, &again, NULL), VERDICT_POSTED);
    const struct public_key third = now[1].keys[1].key;
    now[1].keys[1].key = now[0].keys[1].key;
    assert_int_equal(fixture_act(f, 2, 2, &again, NULL), VERDICT_ANSWERED_BEFORE);
    now[1].keys[1].key = third;
    assert_int_equal(governed_row(f, &id).state, ACTION_PROPOSED);
    assert_int_equal(fixture_act(f, 2, 2, &again, NULL), VERDICT_POSTED);
    assert_int_equal(governed_row(f, &id).state, ACTION_DONE);
    fixture_free(f);
}

static double seconds(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Wherever two equal keys stand among 65,535 participants, they are found; also if all keys begin
   alike, as somebody who chooses them could arrange. */
static void test_the_largest_network(void **state)
{
    (void)state;
    struct genesis genesis = {.participant_count = LIMIT_PARTICIPANTS};
    char error[200];
    struct prng prng = prng_seeded(20261123);
    genesis.participants = calloc(LIMIT_PARTICIPANTS, sizeof *genesis.participants);
    assert_non_null(genesis.participants);
    for (uint32_t i = 0; i < LIMIT_PARTICIPANTS; i++) {
        struct genesis_participant *participant = &genesis.participants[i];
        participant->number = i + 1;
        participant->key_count = 2;
        for (uint32_t at = 0; at < 32; at += 8) {
            put_be64(participant->keys[0].key.bytes + at, prng_next(&prng));
            put_be64(participant->keys[1].key.bytes + at, prng_next(&prng));
        }
        put_be32(participant->transport_key.bytes + 20, i + 1); /* they all begin alike */
    }
    void *places = malloc(genesis_keys_scratch(&genesis));
    assert_non_null(places);
    double before = seconds();
    assert_int_equal(genesis_check_keys(&genesis, places, error, sizeof error), STATUS_OK);
    print_message("65,535 participants, 131,070 keys and 65,535 channel keys: %.1f ms\n",
                  1e3 * (seconds() - before));
    for (unsigned i = 0; i < 20; i++) {
        struct genesis_participant *a =
            &genesis.participants[prng_next(&prng) % (LIMIT_PARTICIPANTS - 1)];
        struct genesis_participant *b = &genesis.participants[LIMIT_PARTICIPANTS - 1];
        const struct genesis_participant kept = *b;
        b->keys[i % 2].key = a->keys[i / 2 % 2].key;
        assert_int_equal(genesis_check_keys(&genesis, places, error, sizeof error),
                         STATUS_MALFORMED);
        assert_non_null(strstr(error, "participant 65535, keys["));
        *b = kept;
        b->transport_key = a->transport_key;
        assert_int_equal(genesis_check_keys(&genesis, places, error, sizeof error),
                         STATUS_MALFORMED);
        assert_non_null(strstr(error, "participant 65535: its transport key is participant"));
        *b = kept;
    }
    free(places);
    free(genesis.participants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions_give_a_key_once),
        cmocka_unit_test(test_a_key_approves_once),
        cmocka_unit_test(test_the_largest_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
