/*
 * test_lineage: which documents continue which (ledger/lineage.h): every refusal by one changed
 * field, and what heights, epochs and chain ids belong to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

#define DOCUMENTS 3

struct world {
    struct ledger_fixture *f[DOCUMENTS]; /* whose genesis are the documents */
    struct lineage lineage;
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

/* Three incarnations: roots 40 and 41, the second of which is the first one's root block. */
static struct world *new_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->lineage.count = DOCUMENTS;
    for (uint32_t k = 0; k < DOCUMENTS; k++) {
        struct ledger_fixture *f = fixture_new();
        w->f[k] = f;
        f->genesis.incarnation = k;
        f->genesis.created_ms = FIXTURE_CREATED_MS + k;
        f->validators[0].key = fixture_validator_key(k);
        if (k > 0) {
            f->genesis.root_chain_id = w->lineage.incarnations[k - 1].chain_id;
            f->genesis.root_height = 39 + k;
            f->genesis.root_epoch = 4 + k;
            memset(f->genesis.root_hash.bytes, 0x77, HASH_BYTES);
        }
        w->lineage.incarnations[k] =
            (struct incarnation){.genesis = &f->genesis, .chain_id = chain_id_of(&f->genesis)};
    }
    return w;
}

static void free_world(struct world *w)
{
    for (uint32_t k = 0; k < DOCUMENTS; k++) {
        fixture_free(w->f[k]);
    }
    free(w);
}

static void refuse(struct world *w, const char *needle)
{
    char error[256] = "";
    assert_int_equal(lineage_check(&w->lineage, error, sizeof error), STATUS_MALFORMED);
    if (strstr(error, needle) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", needle, error);
    }
    assert_int_equal(lineage_check(&w->lineage, NULL, 0), STATUS_MALFORMED);
}

/* Changes a field, expects the refusal, and puts it back. */
#define REFUSE(w, field, value, needle)                                                            \
    do {                                                                                           \
        __typeof__((w)->field) kept = (w)->field;                                                  \
        (w)->field = (value);                                                                      \
        refuse((w), (needle));                                                                     \
        (w)->field = kept;                                                                         \
    } while (0)

/* Goal: roots, times and numbers follow each other. */
static void test_order(void **state)
{
    (void)state;
    struct world *w = new_world();
    char error[256] = "";
    assert_int_equal(lineage_check(&w->lineage, error, sizeof error), STATUS_OK);
    REFUSE(w, lineage.count, 0, "0 incarnations");
    REFUSE(w, lineage.count, LINEAGE_MAX + 1, "17 incarnations: expected 1 to 16");
    REFUSE(w, f[0]->genesis.incarnation, 1, "where the document of incarnation 0 stands");
    REFUSE(w, f[2]->genesis.incarnation, 1, "where the document of incarnation 2 stands");
    REFUSE(w, lineage.incarnations[0].chain_id.bytes[5],
           w->lineage.incarnations[0].chain_id.bytes[5] ^ 1, "incarnation 1: root.chain_id");
    REFUSE(w, f[2]->genesis.root_chain_id, w->lineage.incarnations[0].chain_id,
           "incarnation 2: root.chain_id: it is not the chain id of the document of incarnation 1");
    REFUSE(w, f[2]->genesis.root_height, 40, "incarnation 2: root.height 40: it is not above 40");
    REFUSE(w, f[2]->genesis.root_epoch, 5, "incarnation 2: root.epoch 5: it is not above 5");
    REFUSE(w, f[1]->genesis.root_epoch, 0, "incarnation 1: root.epoch 0");
    REFUSE(w, f[1]->genesis.created_ms, FIXTURE_CREATED_MS, "incarnation 1: created_ms");
    free_world(w);
}

/* Goal: a key that ever signed under an earlier chain id is refused, also that of two before. */
static void test_keys(void **state)
{
    (void)state;
    struct world *w = new_world();
    REFUSE(w, f[1]->validators[0].key, fixture_validator_key(0),
           "incarnation 1: validators[0].key: it is that of validators[0] of incarnation 0");
    REFUSE(w, f[2]->validators[0].key, fixture_validator_key(0),
           "incarnation 2: validators[0].key: it is that of validators[0] of incarnation 0");
    /* Transport keys, names and owners may stay, or change. */
    char error[256] = "";
    w->f[1]->validators[0].transport_key = fixture_validator_channel(7);
    w->f[1]->validators[0].participant = 2;
    w->lineage.incarnations[1].chain_id = chain_id_of(&w->f[1]->genesis);
    w->f[2]->genesis.root_chain_id = w->lineage.incarnations[1].chain_id;
    assert_int_equal(lineage_check(&w->lineage, error, sizeof error), STATUS_OK);
    free_world(w);
}

/* Goal: everything else stays as it was. */
static void test_nothing_else(void **state)
{
    (void)state;
    struct world *w = new_world();
    REFUSE(w, f[1]->genesis.network[0], 'F', "incarnation 1: network");
    REFUSE(w, f[1]->genesis.utc_offset_minutes, 60, "utc_offset_minutes");
    REFUSE(w, f[1]->genesis.delta_ms, 401, "consensus");
    REFUSE(w, f[1]->genesis.block_interval_ms, 401, "consensus");
    REFUSE(w, f[1]->genesis.empty_interval_ms, 401, "consensus");
    REFUSE(w, f[1]->genesis.block_records, 401, "consensus");
    REFUSE(w, f[1]->genesis.participants_max, 401, "participants_max");
    REFUSE(w, f[1]->genesis.services_max, 33, "services_max");
    REFUSE(w, f[1]->genesis.parameters.queue_max, 33, "parameters");
    REFUSE(w, f[1]->genesis.parameters.policies[7].lapse_s, 61, "parameters");
    REFUSE(w, f[1]->genesis.currency_count, 1, "currencies");
    REFUSE(w, f[1]->currencies[0].exponent, 3, "currencies");
    REFUSE(w, f[1]->participants[6].keys[0].key.bytes[3], 9, "participants[6]");
    REFUSE(w, f[1]->genesis.participant_count, 6, "participants[6]");
    REFUSE(w, f[2]->limits[1].cap, 9, "incarnation 2: limits[1] is not incarnation 1's");
    REFUSE(w, f[1]->services[2].cutoffs[0], 9, "services[2]");
    REFUSE(w, f[1]->schemes[0].fee_rule_count, 1, "schemes[0]");
    REFUSE(w, f[1]->genesis.limit_count, 5, "limits[5]");
    struct genesis_calendar calendar = {.number = 1, .name = "days"};
    w->f[1]->genesis.calendars = &calendar;
    REFUSE(w, f[1]->genesis.calendar_count, 1, "calendars[0]");
    free_world(w);
}

/* Goal: which incarnation a height, an epoch and a chain id belong to. */
static void test_lookups(void **state)
{
    (void)state;
    struct world *w = new_world();
    const struct lineage *lineage = &w->lineage;
    const struct incarnation *in = lineage->incarnations;
    const struct hash none = {{9}};
    assert_ptr_equal(lineage_first(lineage), &in[0]);
    assert_ptr_equal(lineage_newest(lineage), &in[2]);
    static const uint32_t of_height[][2] = {{0, 0}, {40, 0}, {41, 1}, {42, 2}, {9000, 2}};
    for (unsigned i = 0; i < 5; i++) {
        assert_ptr_equal(lineage_at_height(lineage, of_height[i][0]), &in[of_height[i][1]]);
    }
    static const uint32_t of_epoch[][2] = {{1, 0}, {5, 0}, {6, 1}, {7, 2}, {900, 2}};
    for (unsigned i = 0; i < 5; i++) {
        assert_ptr_equal(lineage_at_epoch(lineage, of_epoch[i][0]), &in[of_epoch[i][1]]);
    }
    assert_null(lineage_root_block(lineage, 0));
    assert_null(lineage_root_block(lineage, 1)); /* the first has none */
    assert_null(lineage_root_block(lineage, 40));
    assert_ptr_equal(lineage_root_block(lineage, 41), &in[1]);
    assert_ptr_equal(lineage_root_block(lineage, 42), &in[2]);
    assert_null(lineage_root_block(lineage, 43));
    assert_ptr_equal(lineage_after(lineage, &in[0].chain_id), &in[1]);
    assert_ptr_equal(lineage_after(lineage, &in[1].chain_id), &in[2]);
    assert_null(lineage_after(lineage, &in[2].chain_id));
    assert_null(lineage_after(lineage, &none));
    assert_true(lineage_has(lineage, &in[1].chain_id));
    assert_false(lineage_has(lineage, &none));
    assert_int_equal(incarnation_first_epoch(&in[0]), 1);
    assert_int_equal(incarnation_first_epoch(&in[2]), 7);
    struct lineage single;
    lineage_single(&single, in[0].genesis, &in[0].chain_id);
    assert_ptr_equal(lineage_at_height(&single, 41), lineage_newest(&single));
    assert_null(lineage_root_block(&single, 41));
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_nothing_else),
        cmocka_unit_test(test_lookups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
