/* ledger_acts: see ledger_acts.h. */
#include "tests/support/ledger_acts.h"

#include "base/check.h"

struct record acts_on(struct ledger_fixture *f, enum record_kind kind,
                      const struct record *original, uint32_t ref_participant)
{
    return (struct record){.id = fixture_id(++f->next_id),
                           .ref = original->id,
                           .ref_participant = ref_participant,
                           .payer = original->payer,
                           .payee = original->payee,
                           .scheme = original->scheme,
                           .currency = original->currency,
                           .business_date = FIXTURE_DATE,
                           .kind = (uint16_t)kind};
}

struct record acts_half(struct ledger_fixture *f, uint32_t payer, uint32_t payee, uint64_t amount,
                        uint64_t key)
{
    struct record record = fixture_clear(f, payer, payee, amount);
    record.scheme = 12;
    record.match_key = fixture_id(key);
    return record;
}

struct record acts_hold(struct ledger_fixture *f, uint32_t payer, uint32_t payee, uint64_t amount)
{
    struct record record = fixture_clear(f, payer, payee, amount);
    record.kind = RECORD_HOLD;
    return record;
}

struct acts_life acts_life(struct ledger_fixture *f, uint32_t participant,
                           const struct record *record)
{
    struct acts_life life = {.has_row = false};
    uint8_t key[ID_KEY_BYTES];
    id_key(participant, &record->id, key);
    struct span value = ledger_store_get(f->store, TABLE_IDS, key, sizeof key);
    struct id_row id;
    if (value.data == NULL || id_decode(value, &id) != STATUS_OK) {
        return life;
    }
    life.place = id.place;
    uint8_t at[LIFE_KEY_BYTES];
    life_key(id.place, at);
    value = ledger_store_get(f->store, TABLE_LIFE, at, sizeof at);
    if (value.data != NULL) {
        CHECK(life_decode(value, &life.row) == STATUS_OK);
        life.has_row = true;
        return life;
    }
    struct ledger_reader reader = ledger_store_reader(f->store);
    struct record stored;
    uint16_t verdict = 0;
    uint32_t submitter = 0;
    CHECK(reader.record(reader.context, id.place.height, id.place.position, &stored, &verdict,
                        &submitter));
    life.row.state = verdict <= VERDICT_CONFIRMED ? LIFE_POSTED : 0;
    return life;
}

unsigned acts_state(struct ledger_fixture *f, uint32_t participant, const struct record *record)
{
    return acts_life(f, participant, record).row.state;
}

unsigned acts_events(struct ledger_fixture *f, uint32_t participant, const struct record *record,
                     struct event_row *ret_events, unsigned capacity)
{
    struct acts_life life = acts_life(f, participant, record);
    uint64_t height = life.row.event_height;
    uint32_t index = life.row.event_index;
    unsigned count = 0;
    while (height != 0) {
        uint8_t key[EVENT_KEY_BYTES];
        event_key(height, index, key);
        struct event_row row;
        CHECK(event_decode(ledger_store_get(f->store, TABLE_EVENTS, key, sizeof key), &row) ==
              STATUS_OK);
        CHECK(row.subject == EVENT_RECORD && row.origin.height == life.place.height &&
              row.origin.position == life.place.position);
        if (count < capacity) {
            ret_events[count] = row;
        }
        count++;
        height = row.previous_height;
        index = row.previous_index;
    }
    return count;
}

int64_t acts_pending(const struct ledger_fixture *f, uint32_t participant, enum account_class class)
{
    const struct account *account =
        &f->ledger->accounts[account_number(2, participant - 1, 0, class)];
    return (int64_t)account->totals[TOTAL_DEBITS_PENDING].minor;
}

int64_t acts_net(const struct ledger_fixture *f, uint32_t participant)
{
    return fixture_balance(f, participant, ACCOUNT_POSITION);
}

void acts_wait(struct ledger_fixture *f, uint64_t milliseconds)
{
    CHECK(f->block.batch_count == 0);
    f->block.timestamp_ms = ledger_store_header(f->store)->timestamp_ms + milliseconds;
}

void acts_pass(struct ledger_fixture *f, uint64_t milliseconds)
{
    acts_wait(f, milliseconds);
    fixture_block(f);
}
