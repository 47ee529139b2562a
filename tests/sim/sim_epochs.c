/*
 * sim_epochs: who votes in which epoch, whom each node has for peers, and changes of validators: a
 * node that only followed joins, one leaves, or one takes another's place, by an action that
 * participants propose and approve as load (docs/consensus.md, Epochs). A change is chosen so that
 * the faulty stay at most f of either set.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"
#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define ACTION_LIFE_MS (600u * 1000u)
/* A proposal that came to nothing is made again. */
#define PROPOSE_AGAIN_STEPS 40

struct watch_epoch *sim_epoch(struct sim *sim, uint64_t epoch)
{
    return epoch == 0 || epoch > sim->watch.epoch_count ? NULL : &sim->watch.epochs[epoch - 1];
}

void sim_note_epoch(struct sim *sim, const struct validator_set *set)
{
    struct watch *watch = &sim->watch;
    if (set->epoch <= watch->epoch_count) {
        if (!hash_equal(&set->hash, &watch->epochs[set->epoch - 1].set.hash)) {
            sim_violation(sim, "I14", "two sets of validators in epoch %u", (unsigned)set->epoch);
        }
        return;
    }
    CHECK(set->epoch == watch->epoch_count + 1 && watch->epoch_count < SIM_EPOCHS_MAX);
    CHECK(set->count <= SIM_KEYS_MAX);
    struct watch_epoch *epoch = &watch->epochs[watch->epoch_count++];
    epoch->set = *set;
    for (uint32_t i = 0; i < set->count; i++) {
        epoch->ids[i] = get_le32(set->members[i].key.bytes + 1);
        epoch->members |= 1u << epoch->ids[i];
    }
    epoch->faulty_count = (uint32_t)__builtin_popcount(epoch->members & sim->faulty);
    sim->result->counts.epochs++;
    sim_tell(sim, "epoch %u: %u validators", (unsigned)set->epoch, set->count);
}

const struct validator_set *sim_set_of(const struct sim_node *node)
{
    /* While a replica opens nobody knows it yet: it broadcasts to whom it last did. */
    return node->replica == NULL ? &node->sim->watch.epochs[node->sim->watch.epoch_count - 1].set
                                 : replica_validators(node->replica);
}

uint32_t sim_index_of(const struct watch_epoch *epoch, uint32_t id)
{
    for (uint32_t i = 0; i < epoch->set.count; i++) {
        if (epoch->ids[i] == id) {
            return i;
        }
    }
    return LIMIT_VALIDATORS;
}

bool sim_is_own(const struct sim_node *node, const struct vote *vote)
{
    const struct watch_epoch *epoch = sim_epoch(node->sim, vote->epoch);
    return epoch != NULL && vote->signer == sim_index_of(epoch, node->id);
}

void sim_take_peers(struct sim_node *node, const struct peers *peers)
{
    uint32_t before[SIM_KEYS_MAX];
    memcpy(before, node->slot_of_id, sizeof before);
    for (uint32_t i = 0; i < SIM_KEYS_MAX; i++) {
        node->slot_of_id[i] = PEER_NONE;
    }
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        const struct peer_entry *entry = &peers->slots[slot];
        node->id_of_slot[slot] = SIM_KEYS_MAX;
        if (entry->kind != PEER_FREE) {
            const uint32_t id = get_le32(entry->key.bytes + 1);
            CHECK(id < SIM_KEYS_MAX);
            node->id_of_slot[slot] = id;
            node->slot_of_id[id] = slot;
        }
    }
    /* Another slot is another link. */
    for (uint32_t i = 0; i < node->sim->slots; i++) {
        const uint32_t id = node->sim->nodes[i].id;
        node->sim->up[node->slot][i] =
            node->sim->up[node->slot][i] && before[id] == node->slot_of_id[id];
    }
    node->sim->peers_changed = true;
    sim_tell(node->sim, "node %u has other peers", node->slot);
    for (uint32_t id = 0; id < node->sim->ids; id++) {
        if (node->slot_of_id[id] != PEER_NONE) {
            sim_tell(node->sim, "    peer %u in slot %u", id, node->slot_of_id[id]);
        }
    }
}

void sim_relink(struct sim *sim)
{
    while (sim->peers_changed) {
        sim->peers_changed = false;
        for (uint32_t a = 0; a < sim->slots; a++) {
            for (uint32_t b = 0; b < sim->slots; b++) {
                if (sim->nodes[a].slot_of_id[sim->nodes[b].id] == PEER_NONE) {
                    sim->up[a][b] = false;
                }
                sim_link(sim, a, b, true);
            }
        }
    }
}

uint32_t sim_observers(const struct sim *sim, struct peer_observer ret_observers[SIM_KEYS_MAX])
{
    uint32_t count = 0;
    for (uint32_t id = sim->count; id < sim->ids; id++) {
        ret_observers[count].key = net_transport_key(id);
        (void)snprintf(ret_observers[count].name, sizeof ret_observers[count].name, "node-%u", id);
        count++;
    }
    return count;
}

void sim_draw_change(struct sim *sim)
{
    struct sim_change *change = &sim->change;
    *change = (struct sim_change){.add = SIM_KEYS_MAX, .remove = SIM_KEYS_MAX};
    if (sim->options.beyond || !sim_chance(sim, 350)) {
        return;
    }
    sim->ids += 1 + (uint32_t)prng_below(&sim->prng, 2);
    sim->result->counts.extra += sim->ids - sim->count;
    if (sim_chance(sim, 200)) {
        return; /* they only follow */
    }
    change->wanted = true;
    sim->result->counts.changes++;
    const uint64_t what = prng_below(&sim->prng, sim->count > 4 ? 3 : 2);
    if (what <= 1) {
        change->add = sim->count;
    }
    if (what >= 1) {
        change->remove = (uint32_t)prng_below(&sim->prng, sim->count);
    }
    if (what == 2) {
        sim->faulty_max = faulty_max_of(sim->count - 1);
    }
}

static struct signature stand_in(const struct public_key *key, const uint8_t *bytes, size_t length)
{
    return net_stand_in(key, bytes, length);
}

void sim_submit_body(struct sim *sim, uint32_t participant, const uint8_t *body, size_t body_length,
                     struct hash *ret_id)
{
    struct public_key key = {{1}};
    struct sim_node *node = sim_running_node(sim);
    if (node == NULL) {
        return;
    }
    put_le32(key.bytes + 1, participant - 1);
    const struct action_batch_terms terms = {.kind = BATCH_ACTION,
                                             .participant = participant,
                                             .key_no = 1,
                                             .chain_id = sim->chain_id,
                                             .created_ms = SIM_WALL_MS + sim->now_ms,
                                             .expires_ms =
                                                 SIM_WALL_MS + sim->now_ms + ACTION_LIFE_MS};
    size_t length;
    uint8_t *batch = action_batch(&terms, body, body_length, &key, stand_in, &length, ret_id);
    sim_submit(node, batch, length);
    free(batch);
}

static void submit_action(struct sim *sim, uint32_t participant, const struct action *action,
                          struct hash *ret_id)
{
    uint8_t body[ACTION_BYTES_MAX];
    sim_submit_body(sim, participant, body, action_body(action, body), ret_id);
}

static struct action proposal(const struct sim_change *change, uint64_t epoch)
{
    struct action action = action_changing(epoch);
    const struct public_key key = net_consensus_key(change->add);
    const struct transport_key transport_key = net_transport_key(change->add);
    const struct public_key old_key = net_consensus_key(change->remove);
    char name[32];
    (void)snprintf(name, sizeof name, "node-%u", change->add);
    if (change->add == SIM_KEYS_MAX) {
        action_remove(&action, &old_key);
    } else if (change->remove == SIM_KEYS_MAX) {
        action_add(&action, change->add % PARTICIPANTS + 1, &key, &transport_key, name);
    } else {
        action_replace(&action, &old_key, &key, &transport_key);
    }
    return action;
}

void sim_change_step(struct sim *sim)
{
    struct sim_change *change = &sim->change;
    if (!change->wanted || sim->now_ms < change->next_ms || sim->watch.epoch_count > 1) {
        return;
    }
    change->next_ms = sim->now_ms + 50 + prng_below(&sim->prng, 400);
    if (change->step % PROPOSE_AGAIN_STEPS == 0) {
        const struct action action = proposal(change, 1);
        submit_action(sim, 1, &action, &change->id);
    } else {
        struct hash ignored;
        const struct action approve = action_answering(ACTION_APPROVE, &change->id);
        submit_action(sim, 2 + change->step % (PARTICIPANTS - 1), &approve, &ignored);
    }
    change->step++;
}
