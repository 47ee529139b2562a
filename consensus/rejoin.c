/*
 * rejoin: a validator whose vote register was lost or rolled back follows without signing until q
 * others, which remember all that they signed, have told where they stand and the certificates that
 * prove it are held here. A vote of ours in view v needed a certificate of view v-1, and its
 * signers and those q share an honest one: so v is at most two above the highest certified view,
 * and that is the floor (docs/consensus.md, Rejoin; docs/adr/0012).
 *
 *   rejoining ──q vouch──► floor pending ──block final above it──► settled
 *       ▲                        │
 *       └──── the epoch ends ────┘
 */
#include "consensus/rejoin.h"

#include "consensus/safety.h"

bool rejoin_is_steady(const struct consensus *c)
{
    return safety_may_sign(c) && !c->vote_register.floor_pending && !safety_below_floor(c, c->view);
}

void rejoin_status(struct consensus *c, const struct peer_status *status, uint32_t peer)
{
    struct peer *state = &c->peers[peer];
    if (!c->vote_register.rejoining || state->vouched) {
        return;
    }
    state->vouching = status->steady;
    state->vouch_view = status->view;
    c->changed = true;
}

/* A claim counts once certificates held here reach it: so a liar can keep its own word back, but
   cannot set the floor. What was claimed after our start stays true, so it is counted for good. */
static uint32_t count_vouchers(struct consensus *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        struct peer *state = &c->peers[i];
        state->vouched = state->vouched || (state->vouching && state->vouch_view <= c->view);
        count += state->vouched;
    }
    return count;
}

void rejoin_settle(struct consensus *c)
{
    struct vote_register *reg = &c->vote_register;
    if (!reg->rejoining || !machine_is_validator(c) || c->set->count < REJOIN_VALIDATORS_MIN ||
        reg->epoch > c->config.epoch || reg->floor_epoch > c->config.epoch) {
        return;
    }
    if (count_vouchers(c) < c->set->quorum) {
        return;
    }
    /* c->view is one above the highest certified view. */
    const uint64_t least = reg->floor_epoch == c->config.epoch ? reg->floor_view : 0;
    reg->floor_epoch = c->config.epoch;
    reg->floor_view = u64_max(least, c->view + 1);
    reg->floor_pending = true;
    reg->rejoining = false;
    safety_write_register(c);
    c->changed = true;
}

void rejoin_final(struct consensus *c, uint64_t view, bool fresh)
{
    struct vote_register *reg = &c->vote_register;
    if (machine_is_validator(c) && reg->floor_pending && reg->floor_epoch == c->config.epoch &&
        view > reg->floor_view && fresh) {
        reg->floor_pending = false;
        safety_write_register(c);
    }
}
