/*
 * effect: the changes that actions make to reference data and to cycles (see effect.h). Each is
 * tried on a copy first, whose parts must fit together as a genesis must.
 */
#include "ledger/effect.h"

#include <string.h>

#include "base/check.h"
#include "ledger/calendar.h"
#include "ledger/cycle.h"
#include "ledger/genesis_rows.h"
#include "ledger/lockout.h"
#include "ledger/opening.h"
#include "ledger/settle.h"
#include "ledger/touch.h"

#define SERVICE_ROW 1u
#define CALENDAR_ROW 2u
#define KEY_OP_BYTES 48u
#define EXTEND_MS_MAX 86400000ull

enum key_op { KEY_ADD = 1, KEY_REMOVE = 2, KEY_PERMISSIONS = 3 };
enum cycle_op { CYCLE_CLOSE = 1, CYCLE_EXTEND = 2, CYCLE_CONFIRM = 3, CYCLE_CANCEL = 4 };

/* What a KEYS action does to one key. */
struct key_change {
    uint32_t op;
    struct participant_key row;
};

/* What a CYCLE action names. */
struct cycle_order {
    uint16_t service;
    uint16_t op;
    uint32_t number;
    uint64_t until_ms;
    struct hash nets_hash;
};

const struct action_policy *effect_policy(const struct ledger *ledger, uint16_t kind)
{
    CHECK(kind >= POLICY_KIND_FIRST && kind < POLICY_KIND_FIRST + POLICY_COUNT);
    return &ledger->refdata.now.parameters.policies[kind - POLICY_KIND_FIRST];
}

/* ---- Participants and keys ---- */

static struct genesis_participant *find_participant(struct genesis *data, uint32_t number)
{
    for (uint32_t i = 0; i < data->participant_count; i++) {
        if (data->participants[i].number == number) {
            return &data->participants[i];
        }
    }
    return NULL;
}

static enum verdict add_participant(const struct refdata_room *room, struct genesis *data,
                                    const struct genesis_participant *row)
{
    uint32_t last = data->participants[data->participant_count - 1].number;
    if (row->number <= last || data->participant_count >= room->participants) {
        return VERDICT_NUMBER_NOT_NEXT;
    }
    bool fits = row->status == STANDING_ACTIVE && row->key_count > 0;
    for (uint32_t i = 0; i < row->key_count; i++) {
        fits = fits && row->keys[i].permissions != 0; /* else it would pass for a removed one */
    }
    if (!fits) {
        return VERDICT_OUT_OF_RANGE;
    }
    data->participants[data->participant_count++] = *row;
    return VERDICT_POSTED;
}

static enum verdict change_participant(const struct refdata_room *room, struct genesis *data,
                                       struct span body)
{
    struct genesis_participant row;
    if (genesis_decode_participant(body, &row) != STATUS_OK) {
        return VERDICT_ACTION_FORM;
    }
    struct genesis_participant *known = find_participant(data, row.number);
    if (known == NULL) {
        return add_participant(room, data, &row);
    }
    if (row.key_count != 0 || row.status != known->status) {
        return VERDICT_FIXED_FIELD;
    }
    row.key_count = known->key_count;
    memcpy(row.keys, known->keys, sizeof row.keys);
    *known = row;
    return VERDICT_POSTED;
}

/* The key's place, or key_count; of a removed one only the number is left. */
static uint32_t key_place(const struct genesis_participant *participant, uint32_t key_no)
{
    uint32_t at = 0;
    while (at < participant->key_count &&
           (participant->keys[at].key_no != key_no || participant->keys[at].permissions == 0)) {
        at++;
    }
    return at;
}

/* A number is never used again: the highest one keeps its place, without a key or a permission,
   until a higher one takes it. */
static void remove_key(struct genesis_participant *participant, uint32_t at)
{
    uint32_t last = participant->key_count - 1;
    if (at < last) {
        memmove(&participant->keys[at], &participant->keys[at + 1],
                (last - at) * sizeof participant->keys[0]);
        participant->key_count--;
        at = last;
    } else {
        participant->keys[at].permissions = 0;
    }
    memset(&participant->keys[at].key, 0, sizeof participant->keys[at].key);
    if (at < participant->key_count) {
        return;
    }
    memset(&participant->keys[at], 0, sizeof participant->keys[at]);
}

static bool read_key_change(struct reader *reader, struct key_change *ret_change)
{
    ret_change->op = reader_u32(reader);
    ret_change->row.key_no = reader_u32(reader);
    ret_change->row.permissions = reader_u32(reader);
    uint32_t reserved = reader_u32(reader);
    reader_copy(reader, ret_change->row.key.bytes, sizeof ret_change->row.key.bytes);
    bool no_key = bytes_are_zero(ret_change->row.key.bytes, sizeof ret_change->row.key.bytes);
    return !reader->failed && reserved == 0 && ret_change->op >= KEY_ADD &&
           ret_change->op <= KEY_PERMISSIONS && no_key == (ret_change->op != KEY_ADD) &&
           (ret_change->op != KEY_REMOVE || ret_change->row.permissions == 0);
}

static enum verdict add_key(struct genesis_participant *participant,
                            const struct participant_key *key)
{
    uint32_t count = participant->key_count;
    bool is_next = count == 0 || key->key_no > participant->keys[count - 1].key_no;
    bool in_place = count > 0 && participant->keys[count - 1].permissions == 0;
    if (!is_next || (count == LIMIT_PARTICIPANT_KEYS && !in_place)) {
        return VERDICT_NUMBER_NOT_NEXT;
    }
    participant->key_count += in_place ? 0 : 1;
    participant->keys[participant->key_count - 1] = *key;
    return VERDICT_POSTED;
}

/* No permission is what a removed key has. */
static enum verdict change_key(struct genesis_participant *participant,
                               const struct key_change *change)
{
    uint32_t at = key_place(participant, change->row.key_no);
    enum verdict verdict = VERDICT_POSTED;
    if (change->op == KEY_ADD) {
        verdict = add_key(participant, &change->row);
    } else if (at == participant->key_count) {
        verdict = VERDICT_NOT_REGISTERED;
    } else if (change->op == KEY_REMOVE) {
        remove_key(participant, at);
    } else {
        participant->keys[at].permissions = change->row.permissions;
    }
    bool without = change->op != KEY_REMOVE && change->row.permissions == 0;
    return verdict == VERDICT_POSTED && without ? VERDICT_OUT_OF_RANGE : verdict;
}

static bool may_still_act(const struct genesis_participant *participant)
{
    for (uint32_t i = 0; i < participant->key_count; i++) {
        if ((participant->keys[i].permissions & PERMISSION_ACT) != 0) {
            return true;
        }
    }
    return false;
}

static enum verdict change_keys(struct genesis *data, struct span body)
{
    struct reader reader = reader_over(body.data, body.length);
    uint32_t number = reader_u32(&reader);
    uint32_t count = reader_u32(&reader);
    if (reader.failed || count == 0 || count > LIMIT_PARTICIPANT_KEYS ||
        body.length != 8 + (size_t)count * KEY_OP_BYTES) {
        return VERDICT_ACTION_FORM;
    }
    struct key_change changes[LIMIT_PARTICIPANT_KEYS];
    for (uint32_t i = 0; i < count; i++) {
        if (!read_key_change(&reader, &changes[i])) {
            return VERDICT_ACTION_FORM;
        }
    }
    struct genesis_participant *participant = find_participant(data, number);
    enum verdict verdict = participant == NULL ? VERDICT_NOT_REGISTERED : VERDICT_POSTED;
    for (uint32_t i = 0; i < count && verdict == VERDICT_POSTED; i++) {
        verdict = change_key(participant, &changes[i]);
    }
    if (verdict == VERDICT_POSTED && !may_still_act(participant)) {
        return VERDICT_OUT_OF_RANGE;
    }
    return verdict;
}

static enum verdict change_standing(struct genesis *data, struct span body)
{
    struct reader reader = reader_over(body.data, body.length);
    uint32_t number = reader_u32(&reader);
    uint32_t status = reader_u32(&reader);
    if (reader_done(&reader) != STATUS_OK ||
        (status != STANDING_ACTIVE && status != STANDING_SUSPENDED)) {
        return VERDICT_ACTION_FORM;
    }
    struct genesis_participant *participant = find_participant(data, number);
    if (participant == NULL) {
        return VERDICT_NOT_REGISTERED;
    }
    participant->status = status;
    return VERDICT_POSTED;
}

/* ---- Limits, services, schemes, parameters ---- */

static enum verdict change_limit(const struct refdata_room *room, struct genesis *data,
                                 struct span body)
{
    struct genesis_limit row;
    if (genesis_decode_limit(body, &row) != STATUS_OK) {
        return VERDICT_ACTION_FORM;
    }
    if (find_participant(data, row.participant) == NULL ||
        genesis_currency(data, row.currency) == NULL) {
        return VERDICT_NOT_REGISTERED;
    }
    uint32_t at = 0;
    while (at < data->limit_count && (data->limits[at].participant < row.participant ||
                                      (data->limits[at].participant == row.participant &&
                                       data->limits[at].currency < row.currency))) {
        at++;
    }
    bool known = at < data->limit_count && data->limits[at].participant == row.participant &&
                 data->limits[at].currency == row.currency;
    if (!known) {
        CHECK(data->limit_count < room->limits);
        memmove(&data->limits[at + 1], &data->limits[at],
                (data->limit_count - at) * sizeof data->limits[0]);
        data->limit_count++;
    }
    data->limits[at] = row;
    return VERDICT_POSTED;
}

static enum verdict put_calendar(const struct refdata_room *room, struct genesis *data,
                                 const struct genesis_calendar *row)
{
    for (uint32_t i = 0; i < data->calendar_count; i++) {
        if (data->calendars[i].number == row->number) {
            data->calendars[i] = *row;
            return VERDICT_POSTED;
        }
    }
    uint32_t count = data->calendar_count;
    if (count >= room->calendars ||
        (count > 0 && row->number <= data->calendars[count - 1].number)) {
        return VERDICT_NUMBER_NOT_NEXT;
    }
    data->calendars[data->calendar_count++] = *row;
    return VERDICT_POSTED;
}

static enum verdict put_service(const struct refdata_room *room, struct genesis *data,
                                const struct genesis_service *row)
{
    for (uint32_t i = 0; i < data->service_count; i++) {
        struct genesis_service *known = &data->services[i];
        if (known->number == row->number) {
            if (known->mode != row->mode || known->currency != row->currency ||
                known->settlement != row->settlement) {
                return VERDICT_FIXED_FIELD;
            }
            *known = *row;
            return VERDICT_POSTED;
        }
    }
    uint32_t count = data->service_count;
    if (count >= room->services || row->number <= data->services[count - 1].number) {
        return VERDICT_NUMBER_NOT_NEXT;
    }
    data->services[data->service_count++] = *row;
    return VERDICT_POSTED;
}

static enum verdict change_service(const struct refdata_room *room, struct genesis *data,
                                   struct span body)
{
    struct reader reader = reader_over(body.data, body.length);
    uint32_t what = reader_u32(&reader);
    uint32_t reserved = reader_u32(&reader);
    if (reader.failed || reserved != 0) {
        return VERDICT_ACTION_FORM;
    }
    const struct span row = {body.data + 8, body.length - 8};
    struct genesis_service service;
    struct genesis_calendar calendar;
    if (what == SERVICE_ROW && genesis_decode_service(row, &service) == STATUS_OK) {
        return put_service(room, data, &service);
    }
    if (what == CALENDAR_ROW && genesis_decode_calendar(row, &calendar) == STATUS_OK) {
        return put_calendar(room, data, &calendar);
    }
    return VERDICT_ACTION_FORM;
}

static enum verdict change_scheme(const struct refdata_room *room, struct genesis *data,
                                  struct span body)
{
    struct genesis_scheme row;
    if (genesis_decode_scheme(body, &row) != STATUS_OK) {
        return VERDICT_ACTION_FORM;
    }
    for (uint32_t i = 0; i < data->scheme_count; i++) {
        struct genesis_scheme *known = &data->schemes[i];
        if (known->number == row.number) {
            if (known->service != row.service || known->network != row.network) {
                return VERDICT_FIXED_FIELD;
            }
            *known = row;
            return VERDICT_POSTED;
        }
    }
    uint32_t count = data->scheme_count;
    if (count >= room->schemes || (count > 0 && row.number <= data->schemes[count - 1].number)) {
        return VERDICT_NUMBER_NOT_NEXT;
    }
    data->schemes[data->scheme_count++] = row;
    return VERDICT_POSTED;
}

/* The change of one kind to a copy. */
static enum verdict change(const struct refdata_room *room, struct genesis *data, uint16_t kind,
                           struct span body)
{
    switch ((enum action_kind)kind) {
    case ACTION_PARTICIPANT:
        return change_participant(room, data, body);
    case ACTION_KEYS:
        return change_keys(data, body);
    case ACTION_STANDING:
        return change_standing(data, body);
    case ACTION_LIMIT:
        return change_limit(room, data, body);
    case ACTION_SERVICE:
        return change_service(room, data, body);
    case ACTION_SCHEME:
        return change_scheme(room, data, body);
    case ACTION_PARAMETERS:
        return genesis_decode_parameters(body, &data->parameters) == STATUS_OK
                   ? VERDICT_POSTED
                   : VERDICT_ACTION_FORM;
    case ACTION_APPROVE:
    case ACTION_DISAPPROVE:
    case ACTION_VALIDATORS:
    case ACTION_READY:
    case ACTION_CYCLE:
        break;
    }
    CHECK(kind == ACTION_CYCLE);
    return VERDICT_POSTED;
}

/* ---- Cycles ---- */

static bool read_order(struct span body, struct cycle_order *ret_order)
{
    struct reader reader = reader_over(body.data, body.length);
    ret_order->service = reader_u16(&reader);
    ret_order->op = reader_u16(&reader);
    ret_order->number = reader_u32(&reader);
    ret_order->until_ms = reader_u64(&reader);
    reader_copy(&reader, &ret_order->nets_hash, HASH_BYTES);
    return reader_done(&reader) == STATUS_OK && ret_order->op >= CYCLE_CLOSE &&
           ret_order->op <= CYCLE_CANCEL &&
           (ret_order->op == CYCLE_EXTEND) == (ret_order->until_ms != 0) &&
           (ret_order->op == CYCLE_CONFIRM || hash_is_zero(&ret_order->nets_hash));
}

static bool fits_now(struct ledger *ledger, uint32_t slot, const struct cycle_order *order)
{
    const struct cycle_row *row = &ledger->cycles.rows[slot];
    const struct genesis_service *service = genesis_service(&ledger->refdata.now, order->service);
    bool external = service->settlement == SETTLEMENT_EXTERNAL;
    switch ((enum cycle_op)order->op) {
    case CYCLE_CLOSE:
        return row->state == CYCLE_OPEN && cycle_can_close(ledger, order->service);
    case CYCLE_EXTEND:
        return row->state == CYCLE_OPEN && row->cutoff_ms != 0 &&
               order->until_ms > row->cutoff_ms && order->until_ms > ledger->block->timestamp_ms &&
               order->until_ms <= row->cutoff_ms + EXTEND_MS_MAX;
    case CYCLE_CONFIRM:
        return external && (row->state == CYCLE_INSTRUCTED || row->state == CYCLE_SHORT) &&
               hash_equal(&row->nets_hash, &order->nets_hash) && settle_can_confirm(ledger, slot);
    case CYCLE_CANCEL:
        return external && row->state == CYCLE_INSTRUCTED;
    }
    return false;
}

static enum verdict check_cycle(struct ledger *ledger, struct span body,
                                struct cycle_order *ret_order, uint32_t *ret_slot)
{
    if (!read_order(body, ret_order)) {
        return VERDICT_ACTION_FORM;
    }
    *ret_slot = cycle_slot(ledger, ret_order->service, ret_order->number);
    if (*ret_slot == REGISTRY_NONE) {
        return VERDICT_NOT_REGISTERED;
    }
    return fits_now(ledger, *ret_slot, ret_order) ? VERDICT_POSTED : VERDICT_CYCLE_STATE;
}

static void order_cycle(struct ledger *ledger, struct span body)
{
    struct cycle_order order;
    uint32_t slot;
    CHECK(check_cycle(ledger, body, &order, &slot) == VERDICT_POSTED);
    switch ((enum cycle_op)order.op) {
    case CYCLE_CLOSE:
        cycle_close(ledger, slot, ledger->block->timestamp_ms, true);
        return;
    case CYCLE_EXTEND:
        cycle_extend(ledger, slot, order.until_ms);
        return;
    case CYCLE_CONFIRM:
        settle_confirm(ledger, slot);
        return;
    case CYCLE_CANCEL:
        settle_cancel(ledger, slot);
        return;
    }
}

/* ---- Checking and carrying out ---- */

/* Only these kinds bring keys. */
static bool keys_are_distinct(struct ledger *ledger, uint16_t kind)
{
    char error[128];
    return (kind != ACTION_PARTICIPANT && kind != ACTION_KEYS) ||
           genesis_check_keys(&ledger->refdata.trial, ledger->refdata.places, error,
                              sizeof error) == STATUS_OK;
}

enum verdict effect_check(struct ledger *ledger, uint16_t kind, struct span body)
{
    char error[128];
    if (kind == ACTION_CYCLE) {
        struct cycle_order order;
        uint32_t slot;
        return check_cycle(ledger, body, &order, &slot);
    }
    struct genesis *trial = refdata_trial(ledger);
    enum verdict verdict = change(&ledger->limits.refdata, trial, kind, body);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    /* What may stand is what a genesis may say, but for who is suspended and which keys are gone.
     */
    for (uint32_t i = 0; i < trial->participant_count; i++) {
        struct genesis_participant *participant = &trial->participants[i];
        uint32_t count = participant->key_count;
        participant->status = STANDING_ACTIVE;
        if (count > 0 && participant->keys[count - 1].permissions == 0) {
            participant->key_count--;
        }
    }
    if (genesis_check(trial, error, sizeof error) != STATUS_OK ||
        !keys_are_distinct(ledger, kind)) {
        return VERDICT_OUT_OF_RANGE;
    }
    return lockout_follows(&ledger->refdata.now, trial) ? VERDICT_OUT_OF_RANGE : VERDICT_POSTED;
}

static void apply_limit(struct ledger *ledger, struct span body)
{
    struct genesis_limit row;
    CHECK(genesis_decode_limit(body, &row) == STATUS_OK);
    uint32_t participant = number_map_find(&ledger->registry.participants, row.participant);
    uint32_t currency = number_map_find(&ledger->registry.currencies, row.currency);
    CHECK(participant != REGISTRY_NONE && currency != REGISTRY_NONE);
    struct account *position = touch_limit(
        ledger, account_number(ledger->currency_count, participant, currency, ACCOUNT_POSITION));
    position->limit = row.cap;
    position->flags = (row.flags & LIMIT_COVERED) != 0 ? ACCOUNT_COVERED : 0;
}

void effect_apply(struct ledger *ledger, uint16_t kind, struct span body)
{
    if (kind == ACTION_CYCLE) {
        order_cycle(ledger, body);
        return;
    }
    struct genesis *now = refdata_change(ledger);
    const uint32_t participants = now->participant_count;
    const uint32_t services = now->service_count;
    CHECK(change(&ledger->limits.refdata, now, kind, body) == VERDICT_POSTED);
    refdata_changed(ledger);
    if (now->participant_count > participants) {
        opening_of_participant(ledger, participants);
    }
    if (now->service_count > services) {
        cycle_open_service(ledger, services);
    }
    if (kind == ACTION_LIMIT) {
        apply_limit(ledger, body);
    }
    if (kind == ACTION_PARTICIPANT) {
        cycle_recompute_owed(ledger); /* whose sponsor pays for whom may have changed */
    }
}
