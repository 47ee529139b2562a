/*
 * Goal: two ledgers of the same pseudo-random days, records and actions of every kind, are one: the
 * first never stops; the second is taken back and executed again in every block, and loaded anew
 * after it. Not only do the block hashes agree, but everything that is derived and in no digest:
 * exposures, what closed cycles owe, open cycles, queues, sponsors (docs/ledger.md, Speculation).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/cycle.h"
#include "ledger/digest.h"
#include "ledger/genesis_rows.h"
#include "tests/support/action_batch.h"
#include "tests/support/ledger_governed.h"
#include "tests/support/random_day.h"

#define SEEDS 40u
#define BLOCKS 60u
#define PENDING_MAX 8u

/* What both ledgers' operators do: the same numbers drive both. */
struct operators {
    struct prng prng;
    struct hash pending[PENDING_MAX]; /* proposed, not yet approved */
    uint32_t pending_count;
};

static void add(struct hasher *hasher, const void *data, size_t length)
{
    hasher_add(hasher, data, length);
}

static void add_cycles(struct ledger *ledger, struct hasher *hasher)
{
    const struct genesis *now = &ledger->refdata.now;
    for (uint32_t i = 0; i < now->service_count; i++) {
        if (now->services[i].mode != SERVICE_DEFERRED) {
            continue;
        }
        uint32_t open = ledger->cycles.rows[ledger->cycles.open[i]].number;
        for (uint32_t number = 1; number <= open; number++) {
            uint32_t slot = cycle_slot(ledger, now->services[i].number, number);
            if (slot != REGISTRY_NONE) {
                uint8_t row[CYCLE_VALUE_BYTES];
                cycle_encode(&ledger->cycles.rows[slot], row);
                add(hasher, row, sizeof row);
                add(hasher, &ledger->cycles.currency[slot], sizeof(uint32_t));
                add(hasher, cycle_net(ledger, slot, 0),
                    ledger->participant_count * sizeof(struct net));
            }
        }
        add(hasher, &open, sizeof open);
    }
}

static void add_queues(const struct ledger *ledger, struct hasher *hasher)
{
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        const struct queue_list *list = ledger->queues.currencies[i].now;
        for (uint32_t rank = 0; rank < list->count; rank++) {
            const struct queued *queued = queue_at(list, rank);
            uint8_t row[QUEUE_VALUE_BYTES];
            queue_encode(&queued->row, row);
            add(hasher, row, sizeof row);
            add(hasher, &queued->row.place.height, sizeof queued->row.place.height);
            add(hasher, &queued->row.place.position, sizeof queued->row.place.position);
            add(hasher, &queued->payer, sizeof queued->payer);
            add(hasher, &queued->network, sizeof queued->network);
        }
    }
    add(hasher, ledger->queues.waiting,
        (size_t)ledger->participant_count * ledger->currency_count * QUEUE_PRIORITIES *
            sizeof *ledger->queues.waiting);
}

/* Everything that later blocks depend on. */
static struct hash trace(struct ledger *ledger)
{
    struct hasher hasher;
    hasher_init(&hasher, &PURPOSE_TABLE);
    size_t positions = (size_t)ledger->participant_count * ledger->currency_count;
    add(&hasher, ledger->cycles.exposures, positions * sizeof *ledger->cycles.exposures);
    add(&hasher, ledger->cycles.closed_owed, positions * sizeof *ledger->cycles.closed_owed);
    add(&hasher, ledger->sums, ledger->currency_count * sizeof *ledger->sums);
    add(&hasher, &ledger->account_count, sizeof ledger->account_count);
    add(&hasher, &ledger->state.expiry_next_ms, sizeof ledger->state.expiry_next_ms);
    add(&hasher, ledger->state.digests, sizeof ledger->state.digests);
    add(&hasher, &ledger->state.block_hash, HASH_BYTES);
    add(&hasher, ledger->registry.sponsors,
        ledger->participant_count * sizeof *ledger->registry.sponsors);
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        struct hash leaf = account_leaf_hash(&ledger->accounts[i]);
        add(&hasher, &leaf, sizeof leaf);
    }
    struct hash root = merkle_dense_root(&ledger->tree);
    add(&hasher, &root, sizeof root);
    static const enum ledger_table TABLES[] = {TABLE_PARTICIPANTS, TABLE_LIMITS,
                                               TABLE_SERVICES,     TABLE_SCHEMES,
                                               TABLE_CALENDARS,    TABLE_PARAMETERS};
    for (unsigned i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        struct hash table = digest_static_table(&ledger->refdata.now, TABLES[i]);
        add(&hasher, &table, sizeof table);
    }
    for (uint32_t i = 0; i < ledger->book->count; i++) {
        add(&hasher, &ledger->book->rows[i].id, HASH_BYTES);
        add(&hasher, &ledger->book->rows[i].answer_count, sizeof(uint32_t));
    }
    add_cycles(ledger, &hasher);
    add_queues(ledger, &hasher);
    return hasher_end(&hasher);
}

/* ---- Actions ---- */

static uint64_t below(struct operators *own, uint64_t bound)
{
    return prng_below(&own->prng, bound);
}

static void write_participant(struct operators *own, const struct ledger *ledger,
                              struct writer *writer)
{
    const struct genesis *now = &ledger->refdata.now;
    struct genesis_participant row = now->participants[below(own, now->participant_count)];
    row.key_count = 0;
    row.settles_through = below(own, 2) == 0 ? 0 : 1 + (uint32_t)below(own, 8);
    if (below(own, 4) == 0) {
        row.number = now->participants[now->participant_count - 1].number + 1;
        row.roles = ROLE_BANK;
        row.status = STANDING_ACTIVE;
        row.transport_key.bytes[0] = (uint8_t)(0xa0 + row.number);
        row.key_count = 1;
        row.keys[0].key_no = 1;
        row.keys[0].permissions = PERMISSION_ACT | PERMISSION_SUBMIT;
        memset(&row.keys[0].key, (int)row.number, sizeof row.keys[0].key);
    }
    genesis_encode_participant(&row, writer);
}

static void write_cycle(struct operators *own, const struct ledger *ledger, struct writer *writer)
{
    uint32_t slot = (uint32_t)below(own, 16);
    uint32_t number = 1 + (uint32_t)below(own, 3);
    const uint16_t services[] = {1, 3, 4};
    uint16_t service = services[below(own, 3)];
    for (uint32_t i = 0; i < ledger->refdata.now.service_count && slot < 14; i++) {
        if (ledger->refdata.now.services[i].number == service) {
            number = ledger->cycles.rows[ledger->cycles.open[i]].number - (slot < 7 ? 0 : 1);
        }
    }
    uint32_t at = cycle_slot(ledger, service, number);
    const struct hash none = {{0}};
    bool closed = at != REGISTRY_NONE && ledger->cycles.rows[at].state != CYCLE_OPEN;
    uint16_t op = (uint16_t)(closed ? 3 + below(own, 2) : 1 + below(own, 2));
    uint64_t until = at != REGISTRY_NONE ? ledger->cycles.rows[at].cutoff_ms + 60000 : 1;
    writer_u16(writer, service);
    writer_u16(writer, op);
    writer_u32(writer, number);
    writer_u64(writer, op == 2 ? until : 0);
    writer_copy(writer, op == 3 && closed ? &ledger->cycles.rows[at].nets_hash : &none, HASH_BYTES);
}

static void write_product(struct operators *own, const struct ledger *ledger, enum action_kind kind,
                          struct writer *writer)
{
    const struct genesis *now = &ledger->refdata.now;
    if (kind == ACTION_SCHEME) {
        struct genesis_scheme row = now->schemes[below(own, now->scheme_count)];
        row.match_timeout_s = (uint32_t)below(own, 20);
        row.confirmations = (uint16_t)(1 + below(own, 2));
        genesis_encode_scheme(&row, writer);
    } else if (kind == ACTION_PARAMETERS) {
        struct parameters row = now->parameters;
        row.queue_quota = 1 + (uint32_t)below(own, row.queue_max);
        row.fund_share_ppm = (uint32_t)below(own, 1000001);
        genesis_encode_parameters(&row, writer);
    } else {
        struct genesis_service row = now->services[below(own, now->service_count)];
        row.cutoff_count = (uint32_t)below(own, 3);
        row.cutoffs[0] = (uint16_t)below(own, 700);
        row.cutoffs[1] = (uint16_t)(700 + below(own, 700));
        row.funding_window_s = (uint32_t)below(own, 10);
        if (now->service_count < 6 && below(own, 4) == 0) {
            row.number = now->services[now->service_count - 1].number + 1;
        }
        writer_u32(writer, 1);
        writer_u32(writer, 0);
        genesis_encode_service(&row, writer);
    }
}

static void propose(struct operators *own, struct ledger_fixture *f)
{
    static const enum action_kind KINDS[] = {
        ACTION_PARTICIPANT, ACTION_PARTICIPANT, ACTION_STANDING, ACTION_STANDING,
        ACTION_LIMIT,       ACTION_SERVICE,     ACTION_SCHEME,   ACTION_PARAMETERS,
        ACTION_CYCLE,       ACTION_CYCLE,       ACTION_CYCLE,    ACTION_CYCLE};
    uint8_t bytes[ACTION_BYTES_MAX];
    struct writer writer = writer_over(bytes, sizeof bytes);
    enum action_kind kind = KINDS[below(own, sizeof KINDS / sizeof KINDS[0])];
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, (uint16_t)kind);
    writer_u32(&writer, 0);
    if (kind == ACTION_PARTICIPANT) {
        write_participant(own, f->ledger, &writer);
    } else if (kind == ACTION_STANDING) {
        writer_u32(&writer, 1 + (uint32_t)below(own, 8));
        writer_u32(&writer, below(own, 3) == 0 ? STANDING_SUSPENDED : STANDING_ACTIVE);
    } else if (kind == ACTION_LIMIT) {
        const struct genesis_limit row = {.participant = 1 + (uint32_t)below(own, 8),
                                          .currency = FIXTURE_CNY,
                                          .flags = (uint16_t)below(own, 2),
                                          .cap = below(own, 20000)};
        genesis_encode_limit(&row, &writer);
    } else if (kind == ACTION_CYCLE) {
        write_cycle(own, f->ledger, &writer);
    } else {
        write_product(own, f->ledger, kind, &writer);
    }
    own->pending[own->pending_count++] =
        fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, 1, bytes, writer.used);
}

static void act(struct operators *own, struct ledger_fixture *f)
{
    if (own->pending_count > 0 && below(own, 2) == 0) {
        for (uint32_t i = 0; i < own->pending_count; i++) {
            struct action approval = action_answering(ACTION_APPROVE, &own->pending[i]);
            (void)fixture_action(f, FIXTURE_AGENT, 2, &approval);
        }
        own->pending_count = 0;
    }
    while (own->pending_count < PENDING_MAX && below(own, 3) != 0) {
        propose(own, f);
    }
}

/* ---- The two ---- */

static void start(struct random_day *day, struct operators *own, uint64_t seed)
{
    random_day_prepare(day, seed);
    struct ledger_fixture *f = day->fixture;
    f->genesis.participants_max = 10;
    f->genesis.services_max = 6;
    governed_policies(&f->genesis, 2);
    fixture_governed(f, 1);
    fixture_start(f);
    *own = (struct operators){.prng = prng_seeded(seed ^ 0x5eed)};
}

static void fill(struct random_day *day, struct operators *own)
{
    random_day_block(day, 1 + (unsigned)prng_below(&day->prng, 3), 16);
    act(own, day->fixture);
}

static enum ledger_result execute(struct ledger_fixture *f, uint64_t seed, unsigned block)
{
    enum ledger_result result = fixture_execute(f);
    if (result != LEDGER_OK) {
        fail_msg("seed %ju, block %u: %s", (uintmax_t)seed, block, f->fault.what);
    }
    return result;
}

static void run_seed(uint64_t seed)
{
    struct random_day steady;
    struct random_day stopped;
    struct operators own[2];
    start(&steady, &own[0], seed);
    start(&stopped, &own[1], seed);
    for (unsigned block = 1; block <= BLOCKS; block++) {
        struct ledger_fixture *f = stopped.fixture;
        fill(&steady, &own[0]);
        fill(&stopped, &own[1]);
        struct hash before = trace(f->ledger);
        (void)execute(f, seed, block);
        ledger_rollback(f->ledger);
        struct hash after = trace(f->ledger);
        if (!hash_equal(&before, &after)) {
            fail_msg("seed %ju, block %u: taken back it has left a trace", (uintmax_t)seed, block);
        }
        (void)execute(f, seed, block);
        (void)execute(steady.fixture, seed, block);
        if (!hash_equal(&f->outcome->block_hash, &steady.fixture->outcome->block_hash)) {
            fail_msg("seed %ju, block %u: two blocks", (uintmax_t)seed, block);
        }
        fixture_commit(f);
        fixture_commit(steady.fixture);
        fixture_reload(f);
        before = trace(steady.fixture->ledger);
        after = trace(f->ledger);
        if (!hash_equal(&before, &after)) {
            fail_msg("seed %ju, block %u: loaded it is another", (uintmax_t)seed, block);
        }
    }
    random_day_end(&steady);
    random_day_end(&stopped);
}

static void test_traces(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint64_t count = SEEDS;
    const char *given = getenv("HEFU_TRACES");
    if (given != NULL) {
        assert_int_equal(sscanf(given, "%ju:%ju", &count, &seed), 2);
    }
    for (uint64_t i = 0; i < count; i++) {
        run_seed(seed + i);
    }
    (void)printf("%ju seeds from %ju, %u blocks each: no trace, no difference\n", count, seed,
                 BLOCKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_traces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
