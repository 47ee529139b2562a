/*
 * Fuzzes consensus_step: the input spells out what one validator lives through: votes,
 * certificates, proposals, statuses, catch-up blocks, links, late and early answers of its own
 * shell, time, and restarts from what was durable. Everybody else's key is in the fuzzer's hands
 * (the stand-in's signatures), so quorums against all rules are reached too, and some signatures
 * are forged. What must hold, beside every CHECK in the machine, stands in consensus_life.h.
 *
 * Input: u8 validators and own index; then steps, a byte each and what it takes.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "tests/support/consensus_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const int fuzz_random_inputs;
const int fuzz_random_inputs = 600;

enum { STEPS_MAX = 400, NULLIFICATIONS_MAX = 4 };

struct run {
    struct {
        const uint8_t *next;
        size_t left;
    } input;
    uint32_t steps;
    struct life life;
};

/* ---- What the input says ---- */

static uint8_t byte(struct run *run)
{
    if (run->input.left == 0) {
        return 0;
    }
    run->input.left--;
    return *run->input.next++;
}

static uint32_t below(struct run *run, uint32_t bound)
{
    return byte(run) % bound;
}

/* Mostly about where the machine stands; sometimes far from it. */
static uint64_t some_view(struct run *run)
{
    const uint8_t what = byte(run);
    const uint64_t view = rig_view(&run->life.rig);
    if (what < 160) {
        return view;
    }
    if (what < 200) {
        return view + what - 160;
    }
    if (what < 250) {
        const uint64_t back = what - 199;
        return view > back ? view - back : 0;
    }
    const uint64_t far[] = {0, 1, view + 63, view + 65, view + 300, UINT64_MAX};
    return far[what - 250];
}

static struct life_block *block_back(struct run *run, uint8_t back)
{
    return &run->life.blocks[run->life.block_count - 1 - back % run->life.block_count];
}

static struct life_block *some_block(struct run *run)
{
    return block_back(run, byte(run));
}

/* A parent view that fits, or any. */
static uint64_t some_parent_view(struct run *run, uint64_t view)
{
    const uint8_t what = byte(run);
    return what < 192 ? run->life.final_view : what < 224 ? view - 1 : some_view(run);
}

static struct candidate some_candidate(struct run *run, enum vote_kind kind, uint64_t view)
{
    struct candidate candidate = {0};
    if (kind != VOTE_NULLIFY || byte(run) == 255) {
        candidate.parent_view = some_parent_view(run, view);
        candidate.block_hash = some_block(run)->block.hash;
    }
    return candidate;
}

static uint32_t some_peer(struct run *run)
{
    const uint32_t count = run->life.rig.net->set.count;
    return count == 1 ? 0 : (run->life.rig.own + 1 + below(run, count - 1)) % count;
}

/* One that is new, by the leader of the view, or one there is; the own ones are built. */
static struct life_block *block_for(struct run *run, uint64_t view)
{
    struct life *life = &run->life;
    const uint8_t which = byte(run);
    const uint8_t flags = byte(run);
    const uint8_t parent = byte(run);
    const uint8_t content = byte(run);
    if (which >= 128 || view == 0 || rig_leader(&life->rig, view) == life->rig.own ||
        life->block_count == LIFE_BLOCKS_MAX) {
        return block_back(run, which);
    }
    const struct life_block *on = parent < 224 ? life->final : block_back(run, parent);
    struct life_block *made = &life->blocks[life->block_count++];
    *made = (struct life_block){.block = rig_block(&life->rig, &on->block, view, flags >= 250),
                                .invalid = content >= 240};
    return made;
}

static void give(struct run *run, struct event event)
{
    life_step(&run->life, event);
}

/* ---- Events ---- */

/* The own key is not the fuzzer's: a vote of ours is an echo, or forged, or once in a while what a
   second process on the key signed. */
static struct vote make_vote(struct run *run, uint32_t signer, enum vote_kind kind, uint64_t view,
                             struct candidate candidate)
{
    const uint8_t twist = byte(run);
    struct vote vote = rig_vote(&run->life.rig, signer, kind, view, candidate);
    if (signer == run->life.rig.own) {
        const struct vote *cast = life_vote(&run->life, kind, view);
        if (cast != NULL && twist < 250) {
            return *cast;
        }
        vote.signature.bytes[9] ^= twist < 250;
        run->life.betrayed = run->life.betrayed || twist >= 250;
    }
    return vote;
}

static enum vote_kind some_kind(struct run *run)
{
    return (enum vote_kind)(1 + below(run, 3));
}

static void give_vote(struct run *run)
{
    const uint32_t signer = below(run, run->life.rig.net->set.count);
    const enum vote_kind kind = some_kind(run);
    const uint64_t view = some_view(run);
    struct vote vote = make_vote(run, signer, kind, view, some_candidate(run, kind, view));
    const uint8_t twist = byte(run);
    vote.signature.bytes[0] ^= twist == 255;
    vote.epoch += twist == 254;
    vote.signer = twist == 253 ? run->life.rig.net->set.count : vote.signer;
    give(run, (struct event){.kind = EVENT_VOTE, .peer = some_peer(run), .vote = &vote});
}

/* Everybody else's votes for one candidate, one by one: how quorums arise. */
static void give_votes(struct run *run)
{
    const enum vote_kind kind = some_kind(run);
    const uint64_t view = some_view(run);
    const struct candidate candidate = some_candidate(run, kind, view);
    for (uint32_t i = 0; i < run->life.rig.net->set.count && !run->life.full; i++) {
        if (i != run->life.rig.own) {
            const struct vote vote = rig_vote(&run->life.rig, i, kind, view, candidate);
            give(run, (struct event){.kind = EVENT_VOTE, .peer = i, .vote = &vote});
        }
    }
}

/* The own signature in a certificate is one of the machine's, or else forged, or betrays the key.
 */
static void settle_own(struct run *run, struct certificate *certificate, bool betray)
{
    const uint32_t own = run->life.rig.own;
    const struct vote *cast = life_vote(&run->life, certificate->kind, certificate->view);
    uint32_t position = 0;
    if ((certificate->signers[own / 8] >> own % 8 & 1) == 0 ||
        (cast != NULL && candidate_equal(&cast->candidate, &certificate->candidate))) {
        return;
    }
    for (uint32_t i = 0; i < own; i++) {
        position += certificate->signers[i / 8] >> i % 8 & 1;
    }
    certificate->signatures[position].bytes[9] ^= !betray;
    run->life.betrayed = run->life.betrayed || betray;
}

/* Of everybody else if they are a quorum; sometimes of this node too. */
static struct certificate make_certificate(struct run *run, enum vote_kind kind, uint64_t view,
                                           struct candidate candidate)
{
    const uint8_t twist = byte(run);
    const uint32_t own = run->life.rig.own;
    const uint32_t first = twist >= 224 ? own : (own + 1) % run->life.rig.net->set.count;
    struct certificate certificate = rig_certificate(&run->life.rig, first, kind, view, candidate);
    settle_own(run, &certificate, twist >= 250);
    if (twist == 220) {
        certificate.signatures[below(run, certificate.signature_count)].bytes[0] ^= 1;
    } else if (twist == 221) {
        certificate.signature_count--;
    } else if (twist == 222) {
        certificate.epoch++;
    } else if (twist == 223) {
        certificate.signers[byte(run) % sizeof certificate.signers] ^=
            (uint8_t)(1u << below(run, 8));
    }
    return certificate;
}

static void give_certificate(struct run *run)
{
    const enum vote_kind kind = some_kind(run);
    const uint64_t view = some_view(run);
    const struct candidate candidate = some_candidate(run, kind, view);
    const struct certificate certificate = make_certificate(run, kind, view, candidate);
    give(run, (struct event){
                  .kind = EVENT_CERTIFICATE, .peer = some_peer(run), .certificate = &certificate});
}

static void give_proposal(struct run *run)
{
    static struct certificate enclosed[2 + NULLIFICATIONS_MAX];
    const uint64_t view = some_view(run);
    struct life_block *known = block_for(run, view);
    const uint64_t parent_view = some_parent_view(run, view);
    const struct candidate candidate = {.parent_view = parent_view,
                                        .block_hash = known->block.hash};
    const uint32_t leader = view == 0 ? 0 : rig_leader(&run->life.rig, view);
    struct proposal proposal = {.block = known->block};
    proposal.vote =
        make_vote(run, byte(run) < 240 ? leader : some_peer(run), VOTE_NOTARIZE, view, candidate);
    proposal.has_block = byte(run) < 200;
    known->held = known->held || proposal.has_block;
    const uint8_t with = byte(run);
    if ((with & 1) != 0) {
        const enum vote_kind kind = (with & 16) != 0 ? VOTE_FINALIZE : VOTE_NOTARIZE;
        enclosed[0] = make_certificate(run, kind, parent_view, some_candidate(run, kind, view));
        proposal.parent = &enclosed[0];
    }
    if ((with & 2) != 0 && run->life.final_view > 0) {
        enclosed[1] = run->life.finalization;
        proposal.final = &enclosed[1];
    }
    if ((with & 12) != 0) {
        proposal.nullifications = &enclosed[2];
        proposal.nullification_count = with >> 2 & 3;
        for (uint32_t i = 0; i < proposal.nullification_count; i++) {
            enclosed[2 + i] =
                make_certificate(run, VOTE_NULLIFY, parent_view + 1 + i, (struct candidate){0});
        }
    }
    give(run, (struct event){
                  .kind = EVENT_PROPOSAL, .peer = proposal.vote.signer, .proposal = &proposal});
}

static void give_status(struct run *run)
{
    const uint32_t peer = some_peer(run);
    struct peer_status status = {.epoch = 1, .view = some_view(run), .held_from = some_view(run)};
    const struct life_block *known = some_block(run);
    const uint8_t with = byte(run);
    status.epoch += with == 255;
    status.final_height = (with & 1) != 0 ? known->block.height + (with >> 6) : 0;
    status.final_view = (with & 1) != 0 ? some_view(run) : 0;
    status.final_hash = known->block.hash;
    status.held_notarizations = (with & 2) != 0 ? UINT64_MAX / (1u + byte(run)) : 0;
    status.held_nullifications = (with & 4) != 0 ? UINT64_MAX / (1u + byte(run)) : 0;
    status.steady = (with & 8) != 0;
    struct certificate final;
    if ((with & 16) != 0) {
        const struct candidate candidate = some_candidate(run, VOTE_FINALIZE, status.final_view);
        final = make_certificate(run, VOTE_FINALIZE, status.final_view, candidate);
        status.final = &final;
    }
    if ((with & 32) != 0) {
        const enum vote_kind kind = some_kind(run);
        const uint64_t view = some_view(run);
        status.has_your_vote = true;
        status.your_vote =
            make_vote(run, run->life.rig.own, kind, view, some_candidate(run, kind, view));
    }
    give(run, (struct event){.kind = EVENT_STATUS, .peer = peer, .status = &status});
}

/* Its own shell: true answers, in any order, or that the bytes cannot be had. */
static void give_check(struct run *run)
{
    const uint8_t which = byte(run);
    if (run->life.check_count == 0) {
        return;
    }
    const uint32_t place = which % run->life.check_count;
    const struct hash hash = run->life.checks[place];
    run->life.checks[place] = run->life.checks[--run->life.check_count];
    struct life_block *known = life_block(&run->life, &hash);
    struct event event = {.kind = EVENT_BLOCK_CHECKED};
    event.checked.hash = hash;
    event.checked.check = BLOCK_UNAVAILABLE;
    if (known != NULL && (known->held || byte(run) < 192)) {
        known->held = true; /* fetched */
        event.checked.block = known->block;
        if (hash_equal(&known->block.parent_hash, &run->life.final->block.hash) &&
            known != run->life.blocks) {
            const bool bad = known->invalid ||
                             known->block.height != run->life.final->block.height + 1 ||
                             known->block.timestamp_ms <= run->life.final->block.timestamp_ms;
            known->invalid = bad;
            known->agreed = !bad;
            event.checked.check = bad ? BLOCK_INVALID : BLOCK_AGREES;
        }
    }
    give(run, event);
}

static void give_built(struct run *run)
{
    const uint8_t answer = byte(run);
    if (!run->life.asked) {
        return;
    }
    run->life.asked = false;
    struct event event = {.kind = EVENT_BLOCK_BUILT};
    event.built.view = run->life.asked_view;
    event.built.built = answer < 224 && run->life.block_count < LIFE_BLOCKS_MAX &&
                        hash_equal(&run->life.asked_parent, &run->life.final->block.hash);
    if (event.built.built) {
        const uint64_t now_ms = RIG_WALL_MS + run->life.rig.now_ms;
        const struct consensus_block fields = {
            .parent_hash = run->life.asked_parent,
            .epoch = 1,
            .height = run->life.final->block.height + 1,
            .timestamp_ms = now_ms > run->life.asked_min_ms ? now_ms : run->life.asked_min_ms,
            .proposer = run->life.rig.own};
        struct life_block *known = &run->life.blocks[run->life.block_count++];
        *known = (struct life_block){.held = true, .agreed = true};
        known->block = net_make_block(run->life.rig.net, &fields, true)->block;
        event.built.block = known->block;
    }
    give(run, event);
}

static void give_catchup(struct run *run)
{
    const uint64_t view = some_view(run);
    struct life_block *known = block_for(run, view);
    const struct candidate candidate = {.parent_view = some_parent_view(run, view),
                                        .block_hash = known->block.hash};
    const struct certificate finalization = make_certificate(run, VOTE_FINALIZE, view, candidate);
    struct event event = {.kind = EVENT_CATCHUP_BLOCK, .peer = some_peer(run)};
    event.catchup.block = known->block;
    event.catchup.finalization = &finalization;
    known->held = true;
    give(run, event);
}

static void give_tick(struct run *run)
{
    static const uint32_t laters_ms[] = {0, 1, 50, 400, 1000, 5000, 31000, 600000};
    const uint64_t due_ms = consensus_next_deadline(run->life.rig.consensus);
    const uint32_t which = below(run, 16);
    uint64_t later_ms = which < 8 ? laters_ms[which] : 0;
    if (which >= 8 && due_ms != UINT64_MAX && due_ms > run->life.rig.now_ms) {
        later_ms = due_ms - run->life.rig.now_ms;
    }
    run->life.rig.now_ms += later_ms;
    give(run, (struct event){.kind = EVENT_TICK});
    if (consensus_next_deadline(run->life.rig.consensus) <= run->life.rig.now_ms) {
        life_found(&run->life, "is due at once after a tick", rig_view(&run->life.rig));
    }
}

/* ---- Lives ---- */

/* A halted node stays halted: its shell keeps that (node/replica_incarnation.c). */
static void die(struct run *run)
{
    if (!run->life.halted) {
        life_die(&run->life);
    }
}

static void links(struct run *run, enum event_kind kind)
{
    give(run, (struct event){.kind = kind, .peer = some_peer(run)});
}

/* All links up and everybody heard: the gate opens. */
static void meet(struct run *run)
{
    for (uint32_t i = 0; i < run->life.rig.net->set.count && !run->life.full; i++) {
        if (i != run->life.rig.own) {
            const struct peer_status status = {.epoch = 1, .view = 1, .held_from = 1};
            give(run, (struct event){.kind = EVENT_PEER_UP, .peer = i});
            give(run, (struct event){.kind = EVENT_STATUS, .peer = i, .status = &status});
        }
    }
}

static void step(struct run *run)
{
    const uint8_t what = byte(run);
    run->steps++;
    if (what < 40) {
        give_tick(run);
    } else if (what < 80) {
        give_vote(run);
    } else if (what < 120) {
        give_votes(run);
    } else if (what < 145) {
        give_certificate(run);
    } else if (what < 180) {
        give_proposal(run);
    } else if (what < 205) {
        give_check(run);
    } else if (what < 220) {
        give_built(run);
    } else if (what < 230) {
        give_status(run);
    } else if (what < 240) {
        give_catchup(run);
    } else if (what < 244) {
        give(run, (struct event){.kind = EVENT_WORK, .has_work = what != 243});
    } else if (what < 248) {
        links(run, what < 246 ? EVENT_PEER_UP : EVENT_PEER_DOWN);
    } else if (what < 252) {
        die(run);
    } else {
        meet(run);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t counts[] = {4, 7, 3, 2, 5, 1, 4, 4};
    if (size < 8) {
        return 0;
    }
    struct run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->input.next = data;
    run->input.left = size;
    const uint8_t shape = byte(run);
    const uint32_t count = counts[shape % 8];
    life_open(&run->life, count, shape / 8 % count);
    if (shape < 224) {
        meet(run);
    }
    while (run->input.left > 0 && run->steps < STEPS_MAX && !run->life.full) {
        step(run);
    }
    life_close(&run->life);
    free(run);
    return 0;
}
