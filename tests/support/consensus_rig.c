/*
 * consensus_rig: see the header. It adds nothing to the machine: each function is one event, or one
 * look at the effects of the last.
 */
#include "tests/support/consensus_rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void rig_sign(void *context, const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                     struct signature *ret_signature)
{
    struct rig *rig = context;
    net_sign_preimage(&rig->net->set.members[rig->own].key, preimage, ret_signature);
}

static bool rig_verify(void *context, const struct public_key *key,
                       const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                       const struct signature *signature)
{
    (void)context;
    struct signature expected;
    net_sign_preimage(key, preimage, &expected);
    return memcmp(&expected, signature, sizeof expected) == 0;
}

void rig_reopen(struct rig *rig)
{
    const struct consensus_config machine = {
        .chain_id = rig->net->chain_id,
        .epoch = 1,
        .validators = &rig->net->set,
        .own_index = rig->own,
        .delta_ms = 400,
        .empty_interval_ms = 30000,
        .crypto = {.context = rig, .sign = rig_sign, .verify = rig_verify},
    };
    void *memory = rig->consensus;
    memset(memory, 0xa5, consensus_footprint(rig->net->set.count)); /* it need not be zero */
    rig->consensus = consensus_init(memory, &machine);
}

void rig_open(struct rig *rig, uint32_t count, uint32_t own)
{
    memset(rig, 0, sizeof *rig);
    const struct net_config config = {.count = count,
                                      .seed = 1,
                                      .byzantine = NET_NOBODY,
                                      .delta_ms = 400,
                                      .empty_interval_ms = 30000};
    rig->net = net_new(&config);
    rig->own = own;
    rig->now_ms = 100000;
    rig->root = (struct consensus_block){.epoch = 1, .timestamp_ms = 1000};
    rig->root.hash = rig->net->chain_id;
    rig->consensus = aligned_alloc(16, consensus_footprint(count));
    CHECK(rig->consensus != NULL);
    rig_reopen(rig);
}

void rig_close(struct rig *rig)
{
    net_free(rig->net);
    free(rig->consensus);
}

enum status rig_restore(struct rig *rig, struct consensus_recovery recovery)
{
    if (recovery.final_block.height == 0) {
        recovery.final_block = rig->root;
    }
    recovery.vote_register = &rig->vote_register;
    return consensus_restore(rig->consensus, &recovery, RIG_WALL_MS + rig->now_ms, rig->now_ms,
                             &rig->net->effects);
}

void rig_start(struct rig *rig)
{
    const enum status status = rig_restore(rig, (struct consensus_recovery){0});
    CHECK(status == STATUS_OK);
    for (uint32_t i = 0; i < rig->net->set.count; i++) {
        if (i != rig->own) {
            rig_step(rig, (struct event){.kind = EVENT_PEER_UP, .peer = i});
            rig_hear(rig, i);
        }
    }
}

void rig_step(struct rig *rig, struct event event)
{
    event.now_ms = RIG_WALL_MS + rig->now_ms;
    event.monotonic_ms = rig->now_ms;
    consensus_step(rig->consensus, &event, &rig->net->effects);
}

void rig_tick(struct rig *rig, uint64_t later_ms)
{
    rig->now_ms += later_ms;
    rig_step(rig, (struct event){.kind = EVENT_TICK});
}

void rig_work(struct rig *rig)
{
    rig_step(rig, (struct event){.kind = EVENT_WORK, .has_work = true});
}

void rig_hear(struct rig *rig, uint32_t peer)
{
    const struct peer_status status = {.epoch = 1, .view = 1, .held_from = 1};
    rig_step(rig, (struct event){.kind = EVENT_STATUS, .peer = peer, .status = &status});
}

uint32_t rig_leader(const struct rig *rig, uint64_t view)
{
    return validators_leader(&rig->net->set, view);
}

struct consensus_view rig_inspect(const struct rig *rig)
{
    struct consensus_view view;
    consensus_inspect(rig->consensus, &view);
    return view;
}

uint64_t rig_view(const struct rig *rig)
{
    return rig_inspect(rig).view;
}

struct vote rig_vote(const struct rig *rig, uint32_t signer, enum vote_kind kind, uint64_t view,
                     struct candidate candidate)
{
    struct vote vote = {
        .kind = kind, .signer = signer, .epoch = 1, .view = view, .candidate = candidate};
    net_sign(rig->net, &vote);
    return vote;
}

void rig_give_vote(struct rig *rig, const struct vote *vote)
{
    const uint32_t peer =
        vote->signer == rig->own ? (rig->own + 1) % rig->net->set.count : vote->signer;
    rig_step(rig, (struct event){.kind = EVENT_VOTE, .peer = peer, .vote = vote});
}

struct certificate rig_certificate(const struct rig *rig, uint32_t first, enum vote_kind kind,
                                   uint64_t view, struct candidate candidate)
{
    struct certificate certificate = {
        .kind = kind, .epoch = 1, .view = view, .candidate = candidate};
    const struct validator_set *set = &rig->net->set;
    for (uint32_t i = 0; i < set->quorum; i++) {
        const uint32_t signer = (first + i) % set->count;
        certificate.signers[signer / 8] |= (uint8_t)(1u << (signer % 8));
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if ((certificate.signers[i / 8] >> (i % 8) & 1) != 0) {
            const struct vote vote = rig_vote(rig, i, kind, view, candidate);
            certificate.signatures[certificate.signature_count] = vote.signature;
            certificate.signature_count++;
        }
    }
    return certificate;
}

void rig_give_certificate(struct rig *rig, const struct certificate *certificate)
{
    rig_step(rig, (struct event){.kind = EVENT_CERTIFICATE,
                                 .peer = (rig->own + 1) % rig->net->set.count,
                                 .certificate = certificate});
}

struct consensus_block rig_block(struct rig *rig, const struct consensus_block *parent,
                                 uint64_t view, uint32_t flags)
{
    const struct consensus_block fields = {.parent_hash = parent->hash,
                                           .epoch = 1,
                                           .height = parent->height + 1,
                                           .timestamp_ms = RIG_WALL_MS + rig->now_ms + view,
                                           .proposer = rig_leader(rig, view),
                                           .flags = flags};
    return net_make_block(rig->net, &fields, true)->block;
}

struct proposal rig_proposal(const struct rig *rig, uint64_t view, uint64_t parent_view,
                             const struct consensus_block *block)
{
    struct proposal proposal = {.has_block = true, .block = *block};
    const struct candidate candidate = {.parent_view = parent_view, .block_hash = block->hash};
    proposal.vote = rig_vote(rig, rig_leader(rig, view), VOTE_NOTARIZE, view, candidate);
    return proposal;
}

void rig_give_proposal(struct rig *rig, const struct proposal *proposal)
{
    rig_step(rig, (struct event){
                      .kind = EVENT_PROPOSAL, .peer = proposal->vote.signer, .proposal = proposal});
}

void rig_give_check(struct rig *rig, const struct consensus_block *block, enum block_check check)
{
    struct event event = {.kind = EVENT_BLOCK_CHECKED};
    event.checked.hash = block->hash;
    event.checked.check = check;
    event.checked.block = *block;
    rig_step(rig, event);
}

void rig_finalize(struct rig *rig, uint64_t view, uint64_t parent_view,
                  const struct consensus_block *block)
{
    const struct candidate candidate = {.parent_view = parent_view, .block_hash = block->hash};
    const uint32_t first = (rig->own + 1) % rig->net->set.count;
    const struct certificate notarization =
        rig_certificate(rig, first, VOTE_NOTARIZE, view, candidate);
    const struct certificate finalization =
        rig_certificate(rig, first, VOTE_FINALIZE, view, candidate);
    rig_give_certificate(rig, &notarization);
    rig_give_certificate(rig, &finalization);
    rig_give_check(rig, block, BLOCK_AGREES);
    CHECK(rig_count(rig, EFFECT_COMMIT) == 1);
}

uint32_t rig_count(const struct rig *rig, enum effect_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->net->effects.count; i++) {
        count += rig->net->effects.list[i].kind == kind;
    }
    return count;
}

const struct effect *rig_find(const struct rig *rig, enum effect_kind kind)
{
    for (uint32_t i = 0; i < rig->net->effects.count; i++) {
        if (rig->net->effects.list[i].kind == kind) {
            return &rig->net->effects.list[i];
        }
    }
    return NULL;
}

bool rig_cast(const struct rig *rig, enum vote_kind kind, uint64_t view)
{
    for (uint32_t i = 0; i < rig->net->effects.count; i++) {
        const struct effect *effect = &rig->net->effects.list[i];
        if (effect->kind == EFFECT_PERSIST_VOTE && effect->vote->kind == kind &&
            effect->vote->view == view && effect->vote->signer == rig->own) {
            return true;
        }
    }
    return false;
}

bool rig_alarmed(const struct rig *rig, enum alarm alarm)
{
    for (uint32_t i = 0; i < rig->net->effects.count; i++) {
        const struct effect *effect = &rig->net->effects.list[i];
        if ((effect->kind == EFFECT_ALARM || effect->kind == EFFECT_HALT) &&
            effect->alarm == alarm) {
            return true;
        }
    }
    return false;
}
