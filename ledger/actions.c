/* actions: proposals, answers and effects (see actions.h). */
#include "ledger/actions.h"

#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/change.h"
#include "ledger/effect.h"
#include "ledger/evidence_batch.h"
#include "ledger/roster.h"

static bool is_open(const struct action_row *row)
{
    return row->state == ACTION_PROPOSED || row->state == ACTION_APPROVED;
}

/* The book that this block may change: a copy of the committed one, made when first asked for. */
static struct action_book *writable(struct ledger *ledger)
{
    if (!ledger->book_changed) {
        const struct action_book *from = ledger->book;
        ledger->book_changed = true;
        ledger->book_next->count = from->count;
        memcpy(ledger->book_next->rows, from->rows, from->count * sizeof from->rows[0]);
    }
    return ledger->book_next;
}

/* What the block has come to so far. */
static const struct action_book *current(const struct ledger *ledger)
{
    return ledger->book_changed ? ledger->book_next : ledger->book;
}

static struct action_row *find(struct action_book *book, const struct hash *id)
{
    for (uint32_t i = 0; i < book->count; i++) {
        if (hash_equal(&book->rows[i].id, id)) {
            return &book->rows[i];
        }
    }
    return NULL;
}

static void end(struct ledger *ledger, struct action_row *row, enum action_state state)
{
    CHECK(is_open(row) && state > ACTION_APPROVED);
    row->state = (uint16_t)state;
    row->ended_height = ledger->block->height;
    row->ended_ms = ledger->block->timestamp_ms;
    row->touched = true;
}

static struct span body_of(const struct ledger *ledger, const struct action_row *row)
{
    return (struct span){ledger->action_bodies[row->slot], row->body_length};
}

const struct action_row *actions_approved_change(const struct ledger *ledger,
                                                 const struct action_book *book,
                                                 struct action *ret_action)
{
    for (uint32_t i = 0; i < book->count; i++) {
        const struct action_row *row = &book->rows[i];
        if (row->state == ACTION_APPROVED && row->kind == ACTION_VALIDATORS) {
            CHECK(action_decode(body_of(ledger, row), ret_action) == STATUS_OK);
            return row;
        }
    }
    return NULL;
}

bool actions_candidate_key(const struct ledger *ledger, uint32_t participant, uint32_t key_no,
                           struct public_key *ret_key)
{
    struct action action;
    struct ledger_validator member;
    if (actions_approved_change(ledger, ledger->book, &action) == NULL) {
        return false;
    }
    for (uint32_t i = 0; change_new_member(&ledger->roster, &action, i, &member); i++) {
        if (member.validator.participant == participant &&
            validator_key_no(&member.validator.key) == key_no) {
            *ret_key = member.validator.key;
            return true;
        }
    }
    return false;
}

void actions_begin(struct ledger *ledger)
{
    ledger->book_changed = false;
    ledger->terminal = false;
    ledger->evidence_count = 0;
    ledger->effect_count = 0;
    for (uint32_t i = 0; i < ledger->book->count; i++) {
        if (ledger->book->rows[i].lapse_ms <= ledger->block->timestamp_ms) {
            end(ledger, &writable(ledger)->rows[i], ACTION_LAPSED);
        }
    }
}

/* ---- Proposals ---- */

/* A body's place that neither the committed book nor this block uses. */
static uint32_t free_slot(const struct ledger *ledger)
{
    bool used[ACTIONS_HELD_MAX] = {false};
    const struct action_book *books[] = {ledger->book, current(ledger)};
    for (unsigned b = 0; b < 2; b++) {
        for (uint32_t i = 0; i < books[b]->count; i++) {
            used[books[b]->rows[i].slot] = true;
        }
    }
    uint32_t slot = 0;
    while (used[slot]) {
        slot++;
        CHECK(slot < ACTIONS_HELD_MAX);
    }
    return slot;
}

static enum verdict check_room(const struct ledger *ledger, uint32_t participant)
{
    const struct action_book *book = current(ledger);
    uint32_t open = 0;
    uint32_t own = 0;
    for (uint32_t i = 0; i < book->count; i++) {
        open += is_open(&book->rows[i]);
        own += is_open(&book->rows[i]) && book->rows[i].participant == participant;
    }
    if (open >= ACTIONS_OPEN_MAX) {
        return VERDICT_ACTIONS_FULL;
    }
    return own >= ACTIONS_OWN_MAX ? VERDICT_ACTIONS_FULL_OWN : VERDICT_POSTED;
}

/* The body without its common head. */
static struct span effect_part(struct span body)
{
    return (struct span){body.data + ACTION_HEAD_BYTES, body.length - ACTION_HEAD_BYTES};
}

/* Enough keys stand behind it. One that is not of validators takes effect at step 3. */
static void set_approved(struct ledger *ledger, struct action_row *row)
{
    row->state = ACTION_APPROVED;
    row->touched = true;
    if (row->kind != ACTION_VALIDATORS) {
        CHECK(ledger->effect_count < ACTIONS_HELD_MAX);
        ledger->effects[ledger->effect_count++] = row->id;
    }
}

/* What the kind itself asks of a proposal. */
static enum verdict check_content(struct ledger *ledger, const struct ledger_batch *batch,
                                  const struct action *action)
{
    struct action other;
    if (action->kind != ACTION_VALIDATORS) {
        return batch->body_length > ACTION_BYTES_MAX
                   ? VERDICT_ACTION_FORM
                   : effect_check(ledger, action->kind,
                                  effect_part((struct span){batch->body, batch->body_length}));
    }
    if (action->epoch == ledger->roster.epoch &&
        actions_approved_change(ledger, current(ledger), &other) != NULL) {
        return VERDICT_CHANGE_UNDER_WAY;
    }
    return change_apply(&ledger->registry, &ledger->roster, action, &ledger->roster_next);
}

static enum verdict propose(struct ledger *ledger, const struct ledger_batch *batch,
                            uint32_t position, const struct action *action)
{
    struct action_rule rule;
    const struct action_rule *policy = &rule;
    const struct batch_header *header = batch->header;
    CHECK(actions_policy(ledger, action->kind, &rule));
    if (header->key_no >= VALIDATOR_KEY_NO) {
        return VERDICT_ACTION_KEY;
    }
    if (!actions_may_propose(ledger, policy, header->participant)) {
        return VERDICT_NOT_PROPOSER;
    }
    enum verdict verdict = check_content(ledger, batch, action);
    if (verdict == VERDICT_POSTED) {
        verdict = check_room(ledger, header->participant);
    }
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    uint32_t slot = free_slot(ledger);
    struct action_book *book = writable(ledger);
    CHECK(book->count < ACTIONS_HELD_MAX && batch->body_length <= ACTION_BYTES_MAX);
    struct action_row *row = &book->rows[book->count++];
    memset(row, 0, sizeof *row);
    row->id = batch->id;
    row->state = ACTION_PROPOSED;
    row->kind = action->kind;
    row->participant = header->participant;
    row->key_no = header->key_no;
    row->place = (struct place){ledger->block->height, position};
    row->proposed_ms = ledger->block->timestamp_ms;
    row->lapse_ms = row->proposed_ms + policy->lapse_ms;
    row->body_length = (uint32_t)batch->body_length;
    row->slot = slot;
    row->touched = true;
    memcpy(ledger->action_bodies[slot], batch->body, batch->body_length);
    if (row->kind != ACTION_VALIDATORS && actions_enough(ledger, policy, row)) {
        set_approved(ledger, row);
    }
    return VERDICT_POSTED;
}

/* ---- Answers ---- */

/* The open action that a batch names. The working set knows those of the store that have ended. */
static enum verdict find_open(struct ledger *ledger, uint32_t batch_index, const struct hash *id,
                              struct action_row **ret_row)
{
    struct action_row *row = find(writable(ledger), id);
    if (row != NULL && is_open(row)) {
        *ret_row = row;
        return VERDICT_POSTED;
    }
    return row != NULL || ledger->working_set->action_known[batch_index] ? VERDICT_ACTION_ENDED
                                                                         : VERDICT_ACTION_NOT_FOUND;
}

/* The reply that this participant has given, 0 for none. */
static uint32_t reply_of(const struct action_row *row, uint32_t participant)
{
    for (uint32_t i = 0; i < row->answer_count; i++) {
        if (row->answers[i].participant == participant) {
            return row->answers[i].reply;
        }
    }
    return 0;
}

static void add_answer(struct action_row *row, const struct batch_header *header,
                       enum action_reply reply)
{
    CHECK(row->answer_count < ACTION_ANSWERS_MAX);
    row->answers[row->answer_count++] = (struct action_answer){
        .participant = header->participant, .key_no = header->key_no, .reply = (uint32_t)reply};
    row->touched = true;
}

/* Whether the key itself stands behind the action already, under whatever participant or number: as
   the maker's or an approver's. Keys are distinct (genesis_check_keys); counting people by their
   keys does not rely on it. */
static bool stands_behind(const struct ledger *ledger, const struct action_row *row,
                          const struct public_key *key)
{
    const struct public_key *other =
        registry_key(&ledger->registry, row->participant, row->key_no, 0);
    bool found = other != NULL && memcmp(other, key, sizeof *key) == 0;
    for (uint32_t i = 0; i < row->answer_count && !found; i++) {
        const struct action_answer *answer = &row->answers[i];
        other = registry_key(&ledger->registry, answer->participant, answer->key_no, 0);
        found =
            answer->reply == ACTION_YES && other != NULL && memcmp(other, key, sizeof *key) == 0;
    }
    return found;
}

static enum verdict approve(struct ledger *ledger, const struct ledger_batch *batch,
                            struct action_row *row)
{
    const struct batch_header *header = batch->header;
    struct action_rule rule;
    const struct action_rule *policy = &rule;
    struct action other;
    CHECK(actions_policy(ledger, row->kind, &rule));
    if (!actions_may_answer(ledger, policy, header->participant)) {
        return VERDICT_NOT_APPROVER;
    }
    if (stands_behind(ledger, row, &batch->verified_under) ||
        reply_of(row, header->participant) != 0) {
        return VERDICT_ANSWERED_BEFORE;
    }
    const struct action_row *under_way = actions_approved_change(ledger, ledger->book_next, &other);
    struct action_row with = *row;
    add_answer(&with, header, ACTION_YES);
    const bool decides = row->state == ACTION_PROPOSED && actions_enough(ledger, policy, &with);
    if (decides && row->kind == ACTION_VALIDATORS && under_way != NULL) {
        return VERDICT_CHANGE_UNDER_WAY;
    }
    *row = with;
    if (decides) {
        set_approved(ledger, row);
    }
    return VERDICT_POSTED;
}

/* The maker withdraws; others refuse, also after they had approved. */
static enum verdict disapprove(struct ledger *ledger, const struct batch_header *header,
                               struct action_row *row)
{
    struct action_rule rule;
    const struct action_rule *policy = &rule;
    CHECK(actions_policy(ledger, row->kind, &rule));
    if (header->participant == row->participant) {
        add_answer(row, header, ACTION_NO);
        end(ledger, row, ACTION_REFUSED);
        return VERDICT_POSTED;
    }
    if (!actions_may_answer(ledger, policy, header->participant)) {
        return VERDICT_NOT_APPROVER;
    }
    uint32_t before = reply_of(row, header->participant);
    if (before == ACTION_NO) {
        return VERDICT_ANSWERED_BEFORE;
    }
    if (before == 0) {
        add_answer(row, header, ACTION_NO);
    }
    for (uint32_t i = 0; i < row->answer_count; i++) {
        if (row->answers[i].participant == header->participant) {
            row->answers[i] =
                (struct action_answer){header->participant, header->key_no, ACTION_NO};
        }
    }
    row->touched = true;
    if (actions_hopeless(ledger, policy, row)) {
        end(ledger, row, ACTION_REFUSED);
    }
    return VERDICT_POSTED;
}

/* ---- READY ---- */

static enum verdict ready(struct ledger *ledger, const struct ledger_batch *batch,
                          struct action_row *row)
{
    struct action action;
    struct ledger_validator member;
    if (row->state != ACTION_APPROVED) {
        return VERDICT_NOT_CANDIDATE;
    }
    CHECK(action_decode(body_of(ledger, row), &action) == STATUS_OK);
    for (uint32_t i = 0; change_new_member(&ledger->roster, &action, i, &member); i++) {
        if (memcmp(&member.validator.key, &batch->verified_under, sizeof member.validator.key) ==
            0) {
            if ((row->ready >> i & 1) != 0) {
                return VERDICT_ANSWERED_BEFORE;
            }
            row->ready |= 1u << i;
            row->touched = true;
            return VERDICT_POSTED;
        }
    }
    return VERDICT_NOT_CANDIDATE;
}

/* ---- A batch ---- */

static enum verdict decide(struct ledger *ledger, uint32_t batch_index,
                           const struct ledger_batch *batch, const struct action *action)
{
    struct action_rule rule;
    if (actions_policy(ledger, action->kind, &rule)) {
        return propose(ledger, batch, batch_index << 16, action);
    }
    bool by_validator = batch->header->key_no >= VALIDATOR_KEY_NO;
    if (by_validator != (action->kind == ACTION_READY)) {
        return VERDICT_ACTION_KEY;
    }
    struct action_row *row;
    enum verdict verdict = find_open(ledger, batch_index, &action->subject, &row);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    if (action->kind == ACTION_READY) {
        return ready(ledger, batch, row);
    }
    if (row->answer_count == ACTION_ANSWERS_MAX) {
        return VERDICT_ACTION_ENDED; /* approved in this block by more than can be kept */
    }
    return action->kind == ACTION_APPROVE ? approve(ledger, batch, row)
                                          : disapprove(ledger, batch->header, row);
}

void actions_execute(struct ledger *ledger, uint32_t batch_index)
{
    const struct ledger_batch *batch = &ledger->block->batches[batch_index];
    struct action action;
    enum status status = action_decode((struct span){batch->body, batch->body_length}, &action);
    enum verdict verdict = status == STATUS_NOT_FOUND ? VERDICT_KIND_UNKNOWN : VERDICT_ACTION_FORM;
    if (status == STATUS_OK) {
        verdict = decide(ledger, batch_index, batch, &action);
    }
    ledger->verdicts[ledger->batch_start[batch_index]] = (uint16_t)verdict;
}

void actions_execute_evidence(struct ledger *ledger, uint32_t batch_index)
{
    const struct ledger_batch *batch = &ledger->block->batches[batch_index];
    uint16_t *verdict = &ledger->verdicts[ledger->batch_start[batch_index]];
    struct evidence_body evidence;
    if (evidence_decode((struct span){batch->body, batch->body_length}, &evidence) != STATUS_OK) {
        *verdict = VERDICT_ACTION_FORM;
        return;
    }
    if (!evidence_conflicts(&evidence)) {
        *verdict = VERDICT_EVIDENCE_NO_CONFLICT;
        return;
    }
    if (evidence.first.epoch == 0 || evidence.first.epoch > ledger->roster.epoch) {
        *verdict = VERDICT_EVIDENCE_EPOCH;
        return;
    }
    struct evidence_row row = {.epoch = evidence.first.epoch,
                               .view = evidence.first.view,
                               .signer = evidence.first.signer,
                               .kinds = evidence_kinds(&evidence),
                               .batch_id = batch->id,
                               .place = {ledger->block->height, batch_index << 16}};
    uint8_t *stored = ledger->evidence_rows[ledger->evidence_count];
    evidence_key(row.epoch, row.view, row.signer, row.kinds, stored);
    bool known = ledger->working_set->evidence_known[batch_index];
    for (uint32_t i = 0; i < ledger->evidence_count && !known; i++) {
        known = memcmp(ledger->evidence_rows[i], stored, EVIDENCE_KEY_BYTES) == 0;
    }
    if (!known) {
        evidence_encode(&row, stored + EVIDENCE_KEY_BYTES);
        ledger->evidence_count++;
    }
    *verdict = (uint16_t)(known ? VERDICT_EXISTS : VERDICT_POSTED);
}

void actions_run_effects(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->effect_count; i++) {
        struct action_row *row = find(writable(ledger), &ledger->effects[i]);
        CHECK(row != NULL);
        if (row->state != ACTION_APPROVED) {
            continue; /* refused again in the same block */
        }
        const struct span body = effect_part(body_of(ledger, row));
        bool fits = effect_check(ledger, row->kind, body) == VERDICT_POSTED;
        if (fits) {
            effect_apply(ledger, row->kind, body);
        }
        end(ledger, row, fits ? ACTION_DONE : ACTION_OVERTAKEN);
    }
}

/* A root block brings the validators of its document, whatever changes were under way. */
static void enter_incarnation(struct ledger *ledger)
{
    struct action_book *book = writable(ledger);
    roster_from_genesis(ledger->entering->genesis, &ledger->roster_next);
    ledger->terminal = true;
    for (uint32_t i = 0; i < book->count; i++) {
        if (is_open(&book->rows[i]) && book->rows[i].kind == ACTION_VALIDATORS) {
            end(ledger, &book->rows[i], ACTION_OVERTAKEN);
        }
    }
}

void actions_finish(struct ledger *ledger)
{
    struct action action;
    if (ledger->entering != NULL) {
        enter_incarnation(ledger);
        return;
    }
    const struct action_row *approved = actions_approved_change(ledger, current(ledger), &action);
    if (approved == NULL ||
        approved->ready != (uint32_t)((1ull << change_new_count(&action)) - 1)) {
        return;
    }
    struct hash id = approved->id;
    struct action_book *book = writable(ledger);
    CHECK(change_apply(&ledger->registry, &ledger->roster, &action, &ledger->roster_next) ==
          VERDICT_POSTED);
    ledger->terminal = true;
    for (uint32_t i = 0; i < book->count; i++) {
        struct action_row *row = &book->rows[i];
        if (is_open(row) && row->kind == ACTION_VALIDATORS) {
            end(ledger, row, hash_equal(&row->id, &id) ? ACTION_DONE : ACTION_OVERTAKEN);
        }
    }
}

void actions_commit(struct ledger *ledger)
{
    if (ledger->terminal) {
        ledger->roster = ledger->roster_next;
        ledger->terminal = false;
    }
    if (!ledger->book_changed) {
        return;
    }
    struct action_book *book = ledger->book_next;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < book->count; i++) {
        if (is_open(&book->rows[i])) {
            book->rows[i].touched = false;
            if (kept != i) {
                book->rows[kept] = book->rows[i];
            }
            kept++;
        }
    }
    book->count = kept;
    ledger->book_next = ledger->book;
    ledger->book = book;
    ledger->book_changed = false;
}
