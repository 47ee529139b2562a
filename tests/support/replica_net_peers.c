/*
 * replica_net_peers: who is linked to whom. Two nodes are linked while both run, nothing cuts them
 * and each has the other in its table of peers; a node names the other by the slot it has there.
 */
#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

struct transport_key net_transport_key(uint32_t index)
{
    struct transport_key key = {{4}};
    put_le32(key.bytes + 1, index);
    return key;
}

struct public_key net_consensus_key(uint32_t index)
{
    struct public_key key = {{3}};
    put_le32(key.bytes + 1, index);
    return key;
}

struct public_key net_next_key(uint32_t index)
{
    return net_consensus_key(1000 + index);
}

void replica_net_give_next_key(struct replica_net *net, uint32_t node)
{
    CHECK(!net->nodes[node].running);
    net->nodes[node].has_next_key = true;
    net->nodes[node].next_key_register =
        (struct vote_register){.chain_id = net->chain_id, .epoch = 1};
}

uint32_t net_node_of(const struct net_node *node, uint32_t slot)
{
    const struct peer_entry *entry = &node->peers.slots[slot];
    CHECK(entry->kind != PEER_FREE);
    return get_le32(entry->key.bytes + 1);
}

uint32_t net_slot_of(const struct net_node *node, uint32_t other)
{
    const struct transport_key key = net_transport_key(other);
    return peers_find(&node->peers, &key);
}

static bool lists(const struct net_node *node, uint32_t other)
{
    return node->running && net_slot_of(node, other) != PEER_NONE;
}

static bool may_link(const struct replica_net *net, uint32_t a, uint32_t b)
{
    return a != b && !net->cut[a][b] && lists(&net->nodes[a], b) && lists(&net->nodes[b], a);
}

/* What node a believes of its link to b follows what is. */
static bool follow(struct replica_net *net, uint32_t a, uint32_t b)
{
    struct net_node *node = &net->nodes[a];
    const bool wanted = may_link(net, a, b);
    if (net->linked[a][b] == wanted) {
        return false;
    }
    net->linked[a][b] = wanted;
    if (node->running && net_slot_of(node, b) != PEER_NONE) {
        net_begin_pass(node);
        if (wanted) {
            replica_peer_up(node->replica, net_slot_of(node, b));
        } else {
            replica_peer_down(node->replica, net_slot_of(node, b));
        }
        net_end_pass(node);
    }
    return true;
}

void net_relink(struct replica_net *net)
{
    bool changed = true;
    while (changed) {
        changed = false;
        net->peers_changed = false;
        for (uint32_t a = 0; a < net->options.nodes; a++) {
            for (uint32_t b = 0; b < net->options.nodes; b++) {
                changed = follow(net, a, b) || changed;
            }
        }
        changed = changed || net->peers_changed;
    }
}

/* All that genesis does not name, as every node's configuration lists them. */
uint32_t net_observers(const struct replica_net *net,
                       struct peer_observer ret_observers[NET_NODES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = net->genesis.validator_count; i < net->options.nodes && !net->no_observers;
         i++) {
        ret_observers[count].key = net_transport_key(i);
        (void)snprintf(ret_observers[count].name, sizeof ret_observers[count].name, "node-%u", i);
        count++;
    }
    return count;
}

uint64_t replica_net_epoch(const struct replica_net *net, uint32_t node)
{
    return replica_validators(net->nodes[node].replica)->epoch;
}

bool replica_net_votes_now(const struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.own_index != CONSENSUS_OBSERVER;
}

static struct signature stand_in(const struct public_key *key, const uint8_t *bytes, size_t length)
{
    return net_stand_in(key, bytes, length);
}

uint8_t *replica_net_body(struct replica_net *net, uint32_t submitter, const uint8_t *body,
                          size_t body_length, size_t *ret_length, struct hash *ret_id)
{
    struct public_key key = {{1}};
    put_le32(key.bytes + 1, submitter - 1);
    const struct action_batch_terms terms = {.kind = BATCH_ACTION,
                                             .participant = submitter,
                                             .key_no = 1,
                                             .chain_id = net->chain_id,
                                             .created_ms = WALL_START_MS + net->now_ms,
                                             .expires_ms =
                                                 WALL_START_MS + net->now_ms + 3600u * 1000u};
    return action_batch(&terms, body, body_length, &key, stand_in, ret_length, ret_id);
}

uint8_t *replica_net_action(struct replica_net *net, uint32_t submitter,
                            const struct action *action, size_t *ret_length, struct hash *ret_id)
{
    uint8_t body[ACTION_BYTES_MAX];
    return replica_net_body(net, submitter, body, action_body(action, body), ret_length, ret_id);
}
