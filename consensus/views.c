/*
 * views: the ring of view slots, the ranges of nullified views and the anchors (docs/consensus.md,
 * Memory). The tail only rises: with F, and with the current view when the ring is too short.
 */
#include "consensus/views.h"

#include <string.h>

static struct view_slot *slot_at(struct consensus *c, uint64_t view)
{
    return &c->slots[view % VIEWS_HELD];
}

/* A free slot holds whatever its last view left there: it is cleared when it is claimed. */
static void slot_claim(struct consensus *c, struct view_slot *slot, uint64_t view)
{
    for (uint32_t k = 0; k < VOTE_KINDS; k++) {
        slot->certificates.by_kind[k].held = false;
        memset(slot->votes[k], 0, c->set->count * sizeof *slot->votes[k]);
    }
    slot->certificates.view = view;
    slot->proposal = (struct held_proposal){0};
}

static void slot_free(struct view_slot *slot)
{
    slot->certificates.view = 0;
}

struct view_slot *views_find(struct consensus *c, uint64_t view)
{
    struct view_slot *slot = slot_at(c, view);
    return view > 0 && slot->certificates.view == view ? slot : NULL;
}

struct view_slot *views_claim(struct consensus *c, uint64_t view)
{
    if (view < c->tail || view <= c->final_view || view - c->tail >= VIEWS_HELD) {
        return NULL;
    }
    struct view_slot *slot = slot_at(c, view);
    if (slot->certificates.view != view) {
        /* Whatever stood here is below the tail, so it was moved out when the ring slid. */
        CHECK(slot->certificates.view == 0);
        slot_claim(c, slot, view);
    }
    return slot;
}

struct view_certificates *views_claim_anchor(struct consensus *c, uint64_t view)
{
    CHECK(view < c->tail);
    struct view_certificates *chosen = &c->anchors[0];
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        if (c->anchors[i].view == view) {
            return &c->anchors[i];
        }
        if (c->anchors[i].view < chosen->view) {
            chosen = &c->anchors[i];
        }
    }
    if (chosen->view > view) {
        return NULL;
    }
    chosen->view = view;
    for (uint32_t k = 0; k < VOTE_KINDS; k++) {
        chosen->by_kind[k].held = false;
    }
    return chosen;
}

const struct view_certificates *views_certificates(struct consensus *c, uint64_t view)
{
    const struct view_slot *slot = views_find(c, view);
    if (slot != NULL) {
        return &slot->certificates;
    }
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        if (view > 0 && c->anchors[i].view == view) {
            return &c->anchors[i];
        }
    }
    return NULL;
}

void held_certificate_copy(struct held_certificate *to, const struct held_certificate *from)
{
    struct signature *signatures = to->signatures;
    *to = *from;
    to->signatures = signatures;
    memcpy(signatures, from->signatures, from->signature_count * sizeof *signatures);
}

/* How many ranges begin at or below the view. */
static uint32_t ranges_up_to(const struct consensus *c, uint64_t view)
{
    uint32_t low = 0, high = c->range_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (c->ranges[middle].first <= view) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void range_remove(struct consensus *c, uint32_t index)
{
    c->range_count--;
    memmove(&c->ranges[index], &c->ranges[index + 1],
            (c->range_count - index) * sizeof c->ranges[0]);
}

bool views_is_nullified(const struct consensus *c, uint64_t view)
{
    const uint32_t count = ranges_up_to(c, view);
    return count > 0 && c->ranges[count - 1].last >= view;
}

void views_mark_nullified(struct consensus *c, uint64_t view)
{
    if (view <= c->final_view || views_is_nullified(c, view)) {
        return;
    }
    uint32_t at = ranges_up_to(c, view);
    const bool joins_lower = at > 0 && c->ranges[at - 1].last + 1 == view;
    const bool joins_upper = at < c->range_count && c->ranges[at].first == view + 1;
    if (joins_lower && joins_upper) {
        c->ranges[at - 1].last = c->ranges[at].last;
        range_remove(c, at);
    } else if (joins_lower) {
        c->ranges[at - 1].last = view;
    } else if (joins_upper) {
        c->ranges[at].first = view;
    } else {
        if (c->range_count == VIEW_RANGES_MAX) {
            /* The lowest range matters least; it is asked for again should a proposal need it. */
            if (at == 0) {
                return;
            }
            range_remove(c, 0);
            at--;
        }
        memmove(&c->ranges[at + 1], &c->ranges[at], (c->range_count - at) * sizeof c->ranges[0]);
        c->ranges[at] = (struct view_range){view, view};
        c->range_count++;
    }
}

uint64_t views_nullified_since(const struct consensus *c, uint64_t last)
{
    const uint32_t count = ranges_up_to(c, last);
    if (count > 0 && c->ranges[count - 1].last >= last) {
        return c->ranges[count - 1].first;
    }
    return last + 1;
}

uint64_t views_open_since(const struct consensus *c, uint64_t last)
{
    CHECK(!views_is_nullified(c, last));
    const uint32_t count = ranges_up_to(c, last);
    return count > 0 ? c->ranges[count - 1].last + 1 : c->final_view + 1;
}

/* Takes the certificates that a proposal may yet need out of a slot that leaves the ring. */
static void slot_retire(struct consensus *c, struct view_slot *slot)
{
    const struct view_certificates *from = &slot->certificates;
    const uint32_t notarization = VOTE_NOTARIZE - 1, finalization = VOTE_FINALIZE - 1;
    if (from->by_kind[notarization].held || from->by_kind[finalization].held) {
        struct view_certificates *anchor = views_claim_anchor(c, from->view);
        if (anchor != NULL) {
            held_certificate_copy(&anchor->by_kind[notarization], &from->by_kind[notarization]);
            held_certificate_copy(&anchor->by_kind[finalization], &from->by_kind[finalization]);
        }
    }
    slot_free(slot);
}

void views_slide(struct consensus *c)
{
    uint64_t tail = u64_max(c->tail, c->final_view + 1);
    if (c->view > VIEWS_BEHIND) {
        tail = u64_max(tail, c->view - VIEWS_BEHIND);
    }
    if (tail == c->tail) {
        return;
    }
    const uint64_t steps = u64_min(tail - c->tail, VIEWS_HELD);
    const uint64_t from = c->tail;
    c->tail = tail;
    for (uint64_t i = 0; i < steps; i++) {
        struct view_slot *slot = slot_at(c, from + i);
        if (slot->certificates.view == 0) {
            continue;
        }
        if (slot->certificates.view <= c->final_view) {
            slot_free(slot);
        } else if (slot->certificates.view < tail) {
            slot_retire(c, slot);
        }
    }
}

void views_prune(struct consensus *c)
{
    views_slide(c);
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        if (c->anchors[i].view <= c->final_view) {
            c->anchors[i].view = 0;
        }
    }
    while (c->range_count > 0 && c->ranges[0].last <= c->final_view) {
        range_remove(c, 0);
    }
    if (c->range_count > 0 && c->ranges[0].first <= c->final_view) {
        c->ranges[0].first = c->final_view + 1;
    }
}
