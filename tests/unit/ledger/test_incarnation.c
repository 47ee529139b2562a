/*
 * test_incarnation: the root block (docs/formats.md, Incarnations): made from state and document
 * alone, state like any other afterwards, and refused wherever the document does not continue this
 * very chain. The network has four validators, some money, a hold that runs out, and open actions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_acts.h"
#include "tests/support/ledger_governed.h"

#define DAY_MS 86400000ull

struct world {
    struct ledger_fixture *f;
    struct genesis documents[3];
    struct genesis_validator validators[3][4];
    struct lineage lineage;
    struct hash change; /* approved, of validators, and waiting */
    struct hash other;  /* proposed, of validators too */
};

static struct hash chain_id_of(const struct genesis *genesis)
{
    size_t size = genesis_encoded_size(genesis);
    void *scratch = malloc(size);
    assert_non_null(scratch);
    struct hash id = genesis_chain_id(genesis, scratch, size);
    free(scratch);
    return id;
}

static void seal(struct world *w, uint32_t k)
{
    w->lineage.incarnations[k] = (struct incarnation){.genesis = &w->documents[k],
                                                      .chain_id = chain_id_of(&w->documents[k])};
}

/* The document that continues the last final block. */
static void add_document(struct world *w)
{
    const uint32_t k = w->lineage.count++;
    const struct block_header *root = ledger_store_header(w->f->store);
    struct genesis *own = &w->documents[k];
    *own = w->documents[k - 1];
    own->incarnation = k;
    own->created_ms = root->timestamp_ms + DAY_MS;
    own->root_chain_id = w->lineage.incarnations[k - 1].chain_id;
    own->root_height = root->height;
    own->root_hash = block_hash(root);
    own->root_epoch = ledger_epoch(w->f->ledger);
    own->validators = w->validators[k];
    for (uint32_t i = 0; i < 4; i++) {
        w->validators[k][i] = w->documents[k - 1].validators[i];
        w->validators[k][i].key = fixture_validator_key(10 * k + i);
    }
    seal(w, k);
}

static const char *load_what;

/* The ledger anew from its store, with all documents. */
static enum status reload(struct world *w)
{
    struct ledger_fixture *f = w->f;
    free(f->memory);
    f->memory = calloc(1, ledger_footprint(&f->genesis) + 64);
    assert_non_null(f->memory);
    f->ledger = ledger_init_lineage((void *)(((uintptr_t)f->memory + 63) / 64 * 64), &w->lineage);
    load_what = NULL;
    return ledger_store_load(f->store, f->ledger, &load_what);
}

static struct world *new_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    struct ledger_fixture *f = governed_new(4);
    w->f = f;
    w->documents[0] = f->genesis;
    w->lineage.count = 1;
    seal(w, 0);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, 1, 5000000)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 70000)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, acts_hold(f, 1, 2, 30000)), VERDICT_PENDING);
    struct action second = action_changing(1);
    governed_replace(&second, 3, 201);
    assert_int_equal(fixture_act(f, 2, 1, &second, &w->other), VERDICT_POSTED);
    w->change = governed_approved_addition(f);
    add_document(w);
    assert_int_equal(reload(w), STATUS_OK);
    return w;
}

static void free_world(struct world *w)
{
    fixture_free(w->f);
    free(w);
}

static enum ledger_result execute_root(struct world *w)
{
    struct ledger_fixture *f = w->f;
    struct ledger_block block;
    fixture_drop(f);
    assert_true(ledger_root_block(f->ledger, &block));
    block.batches = f->batches;
    f->block = block;
    const struct ledger_reader reader = ledger_store_reader(f->store);
    ledger_prefetch(f->ledger, &f->block, &reader, f->working_set);
    return ledger_execute_root(f->ledger, &f->block, f->working_set, &f->outcome, &f->fault);
}

static void enter(struct world *w)
{
    assert_int_equal(execute_root(w), LEDGER_OK);
    fixture_commit(w->f);
    w->f->chain_id = lineage_newest(&w->lineage)->chain_id; /* of batches from now on */
}

/* Goal: the root block's header, field by field as docs/formats.md has it. */
static void test_header(void **state)
{
    (void)state;
    struct world *w = new_world();
    const struct block_header root = *ledger_store_header(w->f->store);
    const struct hash zero = {{0}};
    assert_int_equal(execute_root(w), LEDGER_OK);
    const struct block_header *header = &w->f->outcome->header;
    assert_int_equal(header->version, BLOCK_VERSION);
    assert_int_equal(header->flags, BLOCK_TERMINAL);
    assert_int_equal(header->epoch, 1);
    assert_int_equal(header->height, root.height + 1);
    assert_int_equal(header->timestamp_ms, root.timestamp_ms + DAY_MS);
    assert_int_equal(header->proposer, 0);
    assert_int_equal(header->batch_count, 0);
    assert_int_equal(header->account_count, root.account_count);
    assert_int_equal(header->record_count, 0);
    assert_int_equal(header->total_records, root.total_records);
    assert_true(hash_equal(&header->chain_id, &w->lineage.incarnations[1].chain_id));
    assert_true(hash_equal(&header->parent_hash, &w->documents[1].root_hash));
    assert_true(hash_equal(&header->batches_root, &zero));
    assert_true(hash_equal(&header->verdicts_root, &zero));
    struct validator members[4];
    for (uint32_t i = 0; i < 4; i++) {
        members[i] = (struct validator){.key = w->validators[1][i].key,
                                        .transport_key = w->validators[1][i].transport_key,
                                        .participant = w->validators[1][i].participant};
    }
    const struct hash next = validators_hash(members, 4);
    assert_true(hash_equal(&header->next_validators_hash, &next));
    /* A day has gone by: the hold has run out, and cut-offs are due, in this block of its time. */
    assert_true(header->event_count > 0);
    assert_false(hash_equal(&header->events_root, &zero));
    ledger_rollback(w->f->ledger);
    free_world(w);
}

/* Goal: executed and taken back it leaves no trace, and every ledger makes the same one. */
static void test_same_everywhere(void **state)
{
    (void)state;
    struct world *w = new_world();
    assert_int_equal(execute_root(w), LEDGER_OK);
    const struct hash first = w->f->outcome->block_hash;
    ledger_rollback(w->f->ledger);
    assert_true(hash_equal(ledger_chain_id(w->f->ledger), &w->lineage.incarnations[0].chain_id));
    assert_int_equal(ledger_epoch(w->f->ledger), 1);
    assert_int_equal(execute_root(w), LEDGER_OK);
    assert_true(hash_equal(&first, &w->f->outcome->block_hash));
    ledger_rollback(w->f->ledger);
    assert_int_equal(reload(w), STATUS_OK);
    enter(w);
    assert_true(hash_equal(&first, &w->f->outcome->block_hash));
    free_world(w);
}

/* Goal: after it the document's validators decide, under its chain id; changes of validators that
   were under way are overtaken; money, records and identifiers go on. */
static void test_goes_on(void **state)
{
    (void)state;
    struct world *w = new_world();
    struct ledger_fixture *f = w->f;
    const int64_t before = fixture_balance(f, 1, ACCOUNT_SETTLEMENT);
    enter(w);
    uint32_t count;
    const struct ledger_validator *members = ledger_validators(f->ledger, &count);
    assert_int_equal(count, 4);
    assert_memory_equal(&members[2].validator.key, &w->validators[1][2].key, 32);
    assert_int_equal(ledger_epoch(f->ledger), 2);
    assert_true(hash_equal(ledger_chain_id(f->ledger), &w->lineage.incarnations[1].chain_id));
    assert_int_equal(governed_row(f, &w->change).state, ACTION_OVERTAKEN);
    assert_int_equal(governed_row(f, &w->other).state, ACTION_OVERTAKEN);
    /* The cut-off of the day in between has settled what was cleared. */
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), before - 70000);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 70000);
    struct record record = fixture_clear(f, 1, 2, 100);
    assert_int_equal(fixture_file(f, 2, record), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, record), VERDICT_EXISTS);
    /* A batch that was signed for the chain that has ended. */
    fixture_batch(f, 2)->chain_id = w->lineage.incarnations[0].chain_id;
    fixture_add(f, fixture_clear(f, 1, 2, 100));
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    assert_string_equal(f->fault.what, "a batch belongs to another chain");
    fixture_drop(f);
    /* All of it stands in the store. */
    assert_int_equal(reload(w), STATUS_OK);
    assert_int_equal(ledger_epoch(f->ledger), 2);
    assert_true(hash_equal(ledger_chain_id(f->ledger), &w->lineage.incarnations[1].chain_id));
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 200)), VERDICT_POSTED);
    free_world(w);
}

/* Goal: several incarnations, one of which has no block but its root block. */
static void test_one_upon_another(void **state)
{
    (void)state;
    struct world *w = new_world();
    enter(w);
    add_document(w);
    assert_int_equal(w->documents[2].root_height, w->documents[1].root_height + 1);
    char error[256];
    assert_int_equal(lineage_check(&w->lineage, error, sizeof error), STATUS_OK);
    assert_int_equal(reload(w), STATUS_OK);
    enter(w);
    assert_int_equal(ledger_epoch(w->f->ledger), 3);
    assert_int_equal(fixture_file(w->f, 2, fixture_clear(w->f, 1, 2, 100)), VERDICT_POSTED);
    assert_int_equal(reload(w), STATUS_OK);
    free_world(w);
}

static void refuse(struct world *w, const char *needle)
{
    seal(w, 1);
    assert_int_equal(execute_root(w), LEDGER_INVALID_BLOCK);
    if (strstr(w->f->fault.what, needle) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", needle, w->f->fault.what);
    }
}

#define REFUSE(w, field, value, needle)                                                            \
    do {                                                                                           \
        __typeof__((w)->field) kept = (w)->field;                                                  \
        (w)->field = (value);                                                                      \
        refuse((w), (needle));                                                                     \
        (w)->field = kept;                                                                         \
    } while (0)

/* Goal: a document that does not continue this very state is refused, and says why. */
static void test_refused(void **state)
{
    (void)state;
    struct world *w = new_world();
    const struct hash other = {{1, 2, 3}};
    REFUSE(w, documents[1].root_hash, other, "not the root that the document names");
    REFUSE(w, documents[1].root_chain_id, other, "not of the chain id");
    REFUSE(w, documents[1].root_epoch, 2, "root epoch");
    REFUSE(w, documents[1].created_ms, ledger_store_header(w->f->store)->timestamp_ms,
           "created_ms");
    REFUSE(w, validators[1][3].participant, 99, "participant is not registered");
    REFUSE(w, validators[1][3].key, fixture_validator_key(1), "in a set of an earlier epoch");
    seal(w, 1);
    /* Nobody proposes a block at that height. */
    fixture_drop(w->f);
    assert_int_equal(fixture_execute(w->f), LEDGER_INVALID_BLOCK);
    assert_non_null(strstr(w->f->fault.what, "root block"));
    enter(w);
    free_world(w);
}

/* Goal: keys that came by an action and left again are remembered too. */
static void test_keys_of_all_epochs(void **state)
{
    (void)state;
    struct world *w = new_world();
    struct ledger_fixture *f = w->f;
    w->lineage.count = 1; /* the document comes later */
    assert_int_equal(reload(w), STATUS_OK);
    struct action ready = governed_answer(ACTION_READY, w->change);
    assert_int_equal(fixture_act(f, 6, governed_key_no(200), &ready, NULL), VERDICT_POSTED);
    assert_int_equal(ledger_epoch(f->ledger), 2);
    add_document(w); /* its root is terminal: it leaves epoch 2 open */
    assert_int_equal(w->documents[1].root_epoch, 2);
    assert_int_equal(reload(w), STATUS_OK);
    REFUSE(w, validators[1][0].key, fixture_validator_key(200), "in a set of an earlier epoch");
    seal(w, 1);
    enter(w);
    assert_int_equal(ledger_epoch(f->ledger), 3);
    assert_int_equal(ledger_store_header(f->store)->epoch, 2);
    assert_int_equal(reload(w), STATUS_OK);
    free_world(w);
}

/* Goal: a store is loaded with its own documents only. */
static void test_load_refuses(void **state)
{
    (void)state;
    struct world *w = new_world();
    enter(w);
    w->lineage.count = 1;
    assert_int_equal(reload(w), STATUS_CORRUPT);
    w->lineage.count = 2;
    w->validators[1][1].name[0] ^= 1;
    assert_int_equal(reload(w), STATUS_CORRUPT); /* the row is not the document's */
    w->validators[1][1].name[0] ^= 1;
    w->lineage.incarnations[1].chain_id.bytes[0] ^= 1;
    assert_int_equal(reload(w), STATUS_CORRUPT);
    assert_non_null(strstr(load_what, "chain id"));
    w->lineage.incarnations[1].chain_id.bytes[0] ^= 1;
    assert_int_equal(reload(w), STATUS_OK);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),       cmocka_unit_test(test_same_everywhere),
        cmocka_unit_test(test_goes_on),      cmocka_unit_test(test_one_upon_another),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_keys_of_all_epochs),
        cmocka_unit_test(test_load_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
