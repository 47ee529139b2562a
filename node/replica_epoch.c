/*
 * replica_epoch: who votes, who may link as a peer, and the change from one epoch to the next
 * (docs/consensus.md, Epochs).
 *
 *   ... ── block ── TERMINAL block │ block ── block ── ...
 *      machine of epoch e          │ machine of epoch e + 1, rooted at the terminal block
 *
 * There is one machine at a time, so votes of two epochs are never counted beside each other. The
 * change is made between two steps, in the pass that commits the terminal block: what the new
 * machine signs leaves only when its root is durable.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/epochs.h"
#include "node/memory.h"
#include "node/replica_state.h"

bool replica_is_own(const struct replica *replica, uint32_t peer)
{
    return peer != PEER_NONE && replica->table.own == peer;
}

bool replica_votes(const struct replica *replica)
{
    return replica->own_index != CONSENSUS_OBSERVER;
}

uint32_t replica_validator_of(const struct replica *replica, uint32_t peer)
{
    return peer < LIMIT_PEERS && replica->table.slots[peer].kind == PEER_VALIDATOR
               ? replica->table.slots[peer].validator
               : PEER_NONE;
}

uint32_t replica_peer_of(const struct replica *replica, uint32_t validator)
{
    return validator < replica->table.validator_count
               ? peers_of_validator(&replica->table, validator)
               : CONSENSUS_ALL;
}

uint32_t replica_next_source(const struct replica *replica, uint32_t peer)
{
    const uint32_t first = peer < LIMIT_PEERS ? peer + 1 : 0;
    for (uint32_t i = 0; i < LIMIT_PEERS; i++) {
        const uint32_t next = (first + i) % LIMIT_PEERS;
        const struct peer_state *state = &replica->peers[next];
        if (state->up && (replica_validator_of(replica, next) != PEER_NONE ||
                          state->final_height > replica->final.height)) {
            return next;
        }
    }
    return peer;
}

const struct validator_set *replica_validators(const struct replica *replica)
{
    return replica->validators;
}

const struct peers *replica_peers(const struct replica *replica)
{
    return &replica->table;
}

bool replica_is_candidate(const struct replica *replica)
{
    struct ledger_validator candidate;
    struct hash action;
    bool ready;
    for (uint32_t i = 0; ledger_candidate(replica->ledger, i, &candidate, &action, &ready); i++) {
        for (uint32_t k = 0; k < replica->config.key_count; k++) {
            if (memcmp(candidate.validator.key.bytes, replica->config.keys[k].key.bytes,
                       sizeof candidate.validator.key.bytes) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- The table of peers ---- */

struct peer_list {
    struct peer_entry entries[LIMIT_PEERS];
    uint32_t count;
};

static void list_peer(struct peer_list *list, enum peer_kind kind, uint32_t validator,
                      const struct transport_key *key, const char *name, size_t name_size)
{
    if (list->count < LIMIT_PEERS && !bytes_are_zero(key->bytes, sizeof key->bytes)) {
        struct peer_entry *entry = &list->entries[list->count++];
        *entry = (struct peer_entry){.kind = kind, .validator = validator, .key = *key};
        const size_t room = sizeof entry->name - 1;
        memcpy(entry->name, name, strnlen(name, name_size < room ? name_size : room));
    }
}

/* The set of the last epoch, from its row: its members still serve those who are behind. */
static void list_former(struct replica *replica, struct peer_list *list)
{
    struct ledger_validator members[LIMIT_VALIDATORS];
    uint32_t count;
    /* The ledger's epoch, like the members above: it goes over before this node's machine does, and
       who has left must not lose its slot in between. */
    const uint64_t epoch = ledger_epoch(replica->ledger);
    if (epoch == 1 || epochs_members(&replica->chain, epoch - 1, members, &count) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        list_peer(list, PEER_FORMER, PEER_NONE, &members[i].validator.transport_key,
                  members[i].name, sizeof members[i].name);
    }
}

/* While this node follows an earlier incarnation, those who begin the newest are who can be linked:
   they have the blocks, and this node may be one of them. */
static void list_successors(struct replica *replica, struct peer_list *list)
{
    const struct genesis *newest = lineage_newest(replica->config.lineage)->genesis;
    for (uint32_t i = 0; i < newest->validator_count; i++) {
        const struct genesis_validator *validator = &newest->validators[i];
        list_peer(list, PEER_SUCCESSOR, PEER_NONE, &validator->transport_key, validator->name,
                  sizeof validator->name);
    }
}

static void list_peers(struct replica *replica, struct peer_list *list)
{
    uint32_t count;
    struct ledger_validator candidate;
    struct hash action;
    bool ready;
    const struct ledger_validator *members = ledger_validators(replica->ledger, &count);
    list->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        list_peer(list, PEER_VALIDATOR, i, &members[i].validator.transport_key, members[i].name,
                  sizeof members[i].name);
    }
    if (!replica_incarnation_is_newest(replica)) {
        list_successors(replica, list);
    }
    for (uint32_t i = 0; ledger_candidate(replica->ledger, i, &candidate, &action, &ready); i++) {
        list_peer(list, PEER_CANDIDATE, PEER_NONE, &candidate.validator.transport_key,
                  candidate.name, sizeof candidate.name);
    }
    for (uint32_t i = 0; i < replica->config.observer_count; i++) {
        list_peer(list, PEER_OBSERVER, PEER_NONE, &replica->observers[i].key,
                  replica->observers[i].name, sizeof replica->observers[i].name);
    }
    list_former(replica, list);
}

/* Whether the table may differ from what the chain says now: hardly any block changes it. */
static bool table_is_due(struct replica *replica)
{
    struct ledger_validator candidate;
    struct hash action;
    bool ready;
    const bool candidates = ledger_candidate(replica->ledger, 0, &candidate, &action, &ready);
    const bool due = candidates || replica->listed_candidates ||
                     replica->listed_epoch != ledger_epoch(replica->ledger);
    replica->listed_candidates = candidates;
    replica->listed_epoch = ledger_epoch(replica->ledger);
    return due;
}

void replica_epoch_peers(struct replica *replica)
{
    if (!table_is_due(replica)) {
        return;
    }
    struct peer_list *list = malloc(sizeof *list);
    bool freed[LIMIT_PEERS];
    memory_check(list != NULL);
    list_peers(replica, list);
    if (peers_update(&replica->table, list->entries, list->count, &replica->config.transport_key,
                     freed)) {
        for (uint32_t peer = 0; peer < LIMIT_PEERS; peer++) {
            if (freed[peer]) {
                replica->peers[peer] = (struct peer_state){0};
            }
        }
        if (replica->io.peers != NULL) {
            replica->io.peers(replica->io.context, &replica->table);
        }
    }
    free(list);
}

/* ---- The machine ---- */

static void sign(void *context, const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                 struct signature *ret_signature)
{
    struct replica *replica = context;
    CHECK(replica_votes(replica));
    replica->io.sign(replica->io.context, &replica->config.keys[replica->own_key].key, preimage,
                     VOTE_PREIMAGE_BYTES, ret_signature);
}

static bool verify(void *context, const struct public_key *key,
                   const uint8_t preimage[VOTE_PREIMAGE_BYTES], const struct signature *signature)
{
    struct replica *replica = context;
    return replica->io.verify(replica->io.context, key, preimage, VOTE_PREIMAGE_BYTES, signature);
}

static void find_own(struct replica *replica)
{
    replica->own_index = CONSENSUS_OBSERVER;
    /* Under an old chain id nothing is ever signed again: registers know the newest alone. */
    for (uint32_t k = 0; k < replica->config.key_count && replica_incarnation_is_newest(replica);
         k++) {
        for (uint32_t i = 0; i < replica->set.count; i++) {
            if (memcmp(replica->config.keys[k].key.bytes, replica->set.members[i].key.bytes,
                       sizeof replica->set.members[i].key.bytes) == 0) {
                replica->own_index = i;
                replica->own_key = k;
            }
        }
    }
}

void replica_epoch_load(struct replica *replica)
{
    uint32_t count;
    const struct ledger_validator *members = ledger_validators(replica->ledger, &count);
    memset(&replica->set, 0, sizeof replica->set);
    replica->chain_id = *ledger_chain_id(replica->ledger);
    replica->set.epoch = ledger_epoch(replica->ledger);
    replica->set.count = count;
    for (uint32_t i = 0; i < count; i++) {
        replica->set.members[i] = members[i].validator;
    }
    validators_seal(&replica->set);
    replica->validators = &replica->set;
    find_own(replica);
    replica_epoch_peers(replica);
}

void replica_epoch_machine(struct replica *replica)
{
    const struct genesis *genesis = replica->genesis;
    struct consensus_config config = {
        .chain_id = replica->chain_id,
        .epoch = replica->set.epoch,
        .validators = &replica->set,
        .own_index = replica->own_index,
        .delta_ms = genesis->delta_ms,
        .block_interval_ms = genesis->block_interval_ms,
        .empty_interval_ms = genesis->empty_interval_ms,
        .crypto = {.context = replica, .sign = sign, .verify = verify}};
    memory_give(replica->consensus);
    replica->consensus =
        consensus_init(memory_take(consensus_footprint(replica->set.count)), &config);
}

/* ---- The change ---- */

/* Batches count their holders among the validators of now. */
static void recount_holders(struct replica *replica)
{
    uint8_t slots[LIMIT_PEERS / 8] = {0};
    for (uint32_t i = 0; i < replica->set.count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        slots[peer / 8] |= (uint8_t)(1u << peer % 8);
    }
    pool_keep_holders(replica->pool, slots);
    for (uint32_t i = 0; i < replica->wanted.count; i++) {
        /* Everybody tells anew what he holds, and a slot may have changed hands. */
        memset(replica->wanted.entries[i].holders, 0, sizeof replica->wanted.entries[i].holders);
    }
    if (!replica_votes(replica)) {
        return;
    }
    for (struct pool_batch *b = pool_next(replica->pool, NULL); b != NULL;
         b = pool_next(replica->pool, b)) {
        (void)replica_batches_hold(replica, b, replica->table.own);
    }
}

static void log_epoch(struct replica *replica, bool voted)
{
    replica_log(replica, "info", "epoch",
                "epoch=%" PRIu64 " height=%" PRIu64 " validators=%u tolerates=%u votes=%d",
                replica->set.epoch, replica->final.height, replica->set.count,
                replica->set.faulty_max, replica_votes(replica));
    if (voted && !replica_votes(replica)) {
        replica_log(replica, "warn", "removed",
                    "epoch=%" PRIu64 " why=\"this node is no longer a validator: it follows, "
                    "serves those who are behind, and may be stopped\"",
                    replica->set.epoch);
    }
}

/* A torn pass may have left the last votes of the epoch that ended in storage alone, from where
   they leave inside certificates. A register that stands in the new epoch forbids every vote before
   it, whatever becomes of the storage; also that of a key which the new set does not have. */
void replica_epoch_advance_registers(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->config.key_count; i++) {
        struct vote_register *reg = &replica->registers[i];
        if (hash_is_zero(&reg->chain_id) || reg->epoch >= replica->set.epoch) {
            continue;
        }
        reg->epoch = replica->set.epoch;
        reg->view = 0;
        memset(reg->voted, 0, sizeof reg->voted);
        memset(reg->votes, 0, sizeof reg->votes);
        replica->io.register_write(replica->io.context, &replica->config.keys[i].key, reg);
    }
}

/* The new machine begins at the terminal block; storage may hold votes and certificates of its
   epoch only if the node was there before and went back. */
static void restore(struct replica *replica)
{
    replica_epoch_advance_registers(replica);
    struct consensus_recovery recovery = {
        .final_block = replica_block_summary(&replica->final_header, &replica->final.hash),
        .vote_register = replica_votes(replica) ? &replica->registers[replica->own_key] : NULL};
    const enum status status = consensus_restore(replica->consensus, &recovery, replica->now_ms,
                                                 replica->monotonic_ms, &replica->effects);
    CHECK(status == STATUS_OK);
    replica_carry_out(replica);
}

void replica_epoch_settle(struct replica *replica)
{
    struct consensus_view view;
    struct ledger_block root;
    const bool at_root = !replica->entry_refused && ledger_root_block(replica->ledger, &root);
    if (ledger_epoch(replica->ledger) == replica->set.epoch && !at_root) {
        return;
    }
    consensus_inspect(replica->consensus, &view);
    if (view.halted) {
        return; /* in this very step: no new machine may sign for one that halted */
    }
    /* In the pass that commits the root: the next start would enter too. */
    if (replica_incarnation_enter(replica) != STATUS_OK &&
        ledger_epoch(replica->ledger) == replica->set.epoch) {
        return;
    }
    const bool voted = replica_votes(replica);
    replica->answer_count = 0; /* answers to questions of the machine that goes */
    replica->catchup_count = 0;
    replica->chase_ms = 0;
    replica->had_work = false;
    replica->built = (struct hash){{0}};
    replica->ready_ms = 0;
    memset(replica->evidence_taken, 0, sizeof replica->evidence_taken);
    replica_epoch_load(replica);
    replica_incarnation_drop_batches(replica);
    recount_holders(replica);
    replica_epoch_machine(replica);
    log_epoch(replica, voted);
    restore(replica);
    replica_rejoin_opened(replica);
    for (uint32_t i = 0; i < replica->set.count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        if (!replica_is_own(replica, peer) && replica->peers[peer].up) {
            struct event event = {.kind = EVENT_PEER_UP, .peer = i};
            replica_answer(replica, &event);
            replica_batches_peer_up(replica, peer);
        }
    }
    replica_sync_chase(replica);
}
