/* refdata: reference data and its copies (see refdata.h). */
#include "ledger/refdata.h"

#include <string.h>

#include "base/check.h"
#include "ledger/digest.h"
#include "ledger/genesis_rows.h"
#include "ledger/outcome.h"
#include "ledger/state.h"

static const enum ledger_table TABLES[] = {TABLE_PARTICIPANTS, TABLE_LIMITS,    TABLE_SERVICES,
                                           TABLE_SCHEMES,      TABLE_CALENDARS, TABLE_PARAMETERS};
#define TABLES_COUNT (sizeof TABLES / sizeof TABLES[0])

/* The arrays stay; currencies and validators are never changed, so they are shared. */
static void copy(struct genesis *to, const struct genesis *from)
{
    struct genesis arrays = *to;
    *to = *from;
    to->participants = arrays.participants;
    to->limits = arrays.limits;
    to->services = arrays.services;
    to->schemes = arrays.schemes;
    to->calendars = arrays.calendars;
    memcpy(to->participants, from->participants,
           from->participant_count * sizeof *from->participants);
    memcpy(to->limits, from->limits, from->limit_count * sizeof *from->limits);
    memcpy(to->services, from->services, from->service_count * sizeof *from->services);
    memcpy(to->schemes, from->schemes, from->scheme_count * sizeof *from->schemes);
    if (from->calendar_count > 0) {
        memcpy(to->calendars, from->calendars, from->calendar_count * sizeof *from->calendars);
    }
}

void refdata_init(struct ledger *ledger, const struct genesis *genesis)
{
    copy(&ledger->refdata.now, genesis);
    refdata_changed(ledger);
}

void refdata_begin(struct ledger *ledger)
{
    ledger->refdata.changed = false;
}

void refdata_restore(struct ledger *ledger)
{
    if (ledger->refdata.changed) {
        copy(&ledger->refdata.now, &ledger->refdata.before);
        ledger->refdata.changed = false;
        refdata_changed(ledger);
    }
}

struct genesis *refdata_change(struct ledger *ledger)
{
    struct refdata *refdata = &ledger->refdata;
    if (!refdata->changed) {
        copy(&refdata->before, &refdata->now);
        refdata->changed = true;
    }
    return &refdata->now;
}

void refdata_changed(struct ledger *ledger)
{
    registry_resolve(&ledger->registry, &ledger->refdata.now);
    ledger->participant_count = ledger->refdata.now.participant_count;
}

struct genesis *refdata_trial(struct ledger *ledger)
{
    copy(&ledger->refdata.trial, &ledger->refdata.now);
    return &ledger->refdata.trial;
}

void refdata_set_standing(struct ledger *ledger, uint32_t participant, enum standing standing)
{
    if (ledger->refdata.now.participants[participant].status != (uint32_t)standing) {
        refdata_change(ledger)->participants[participant].status = (uint32_t)standing;
    }
}

/* ---- Rows ---- */

/* Whether the table had this very row before the block. Rows are asked for in ascending order of
   their keys, as they stand; at: how far the rows before have been looked at. */
static bool same_before(const struct genesis *before, enum ledger_table table, const uint8_t *row,
                        uint32_t key_length, size_t length, uint32_t *at)
{
    uint32_t count = digest_static_count(before, table);
    for (; *at < count; (*at)++) {
        uint8_t other[STATIC_ROW_BYTES_MAX];
        struct writer writer = writer_over(other, sizeof other);
        (void)digest_static_row(before, table, *at, &writer);
        int order = memcmp(other, row, key_length);
        if (order >= 0) {
            return order == 0 && writer.used == length && memcmp(other, row, length) == 0;
        }
    }
    return false;
}

static bool emit_table(struct ledger *ledger, enum ledger_table table, struct writer *writer)
{
    const struct genesis *now = &ledger->refdata.now;
    uint32_t count = digest_static_count(now, table);
    uint32_t before = 0;
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        size_t start = writer->used;
        uint32_t key_length = digest_static_row(now, table, i, writer);
        CHECK(!writer->failed);
        const uint8_t *row = ledger->refdata.rows + start;
        size_t length = writer->used - start;
        if (same_before(&ledger->refdata.before, table, row, key_length, length, &before)) {
            writer->used = start;
            continue;
        }
        outcome_write(ledger, table, (struct span){row, key_length},
                      (struct span){row + key_length, length - key_length});
        any = true;
    }
    return any;
}

void refdata_emit(struct ledger *ledger)
{
    struct refdata *refdata = &ledger->refdata;
    struct writer writer = writer_over(refdata->rows, refdata->rows_size);
    for (unsigned i = 0; refdata->changed && i < TABLES_COUNT; i++) {
        if (emit_table(ledger, TABLES[i], &writer)) {
            ledger->state.digests[TABLES[i]] = digest_static_table(&refdata->now, TABLES[i]);
        }
    }
}

/* ---- Loading ---- */

static enum status load_participant(struct genesis *now, struct span value, uint32_t room)
{
    struct genesis_participant row;
    if (now->participant_count >= room || genesis_decode_participant(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    uint32_t at = now->participant_count++;
    for (; at > 0 && now->participants[at - 1].number > row.number; at--) {
        now->participants[at] = now->participants[at - 1];
    }
    now->participants[at] = row;
    return STATUS_OK;
}

static bool limit_after(const struct genesis_limit *a, const struct genesis_limit *b)
{
    return a->participant != b->participant ? a->participant > b->participant
                                            : a->currency > b->currency;
}

static enum status load_limit(struct genesis *now, struct span value, uint32_t room)
{
    struct genesis_limit row;
    if (now->limit_count >= room || genesis_decode_limit(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    uint32_t at = now->limit_count++;
    for (; at > 0 && limit_after(&now->limits[at - 1], &row); at--) {
        now->limits[at] = now->limits[at - 1];
    }
    now->limits[at] = row;
    return STATUS_OK;
}

static enum status load_service(struct genesis *now, struct span value, uint32_t room)
{
    struct genesis_service row;
    if (now->service_count >= room || genesis_decode_service(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    uint32_t at = now->service_count++;
    for (; at > 0 && now->services[at - 1].number > row.number; at--) {
        now->services[at] = now->services[at - 1];
    }
    now->services[at] = row;
    return STATUS_OK;
}

static enum status load_scheme(struct genesis *now, struct span value, uint32_t room)
{
    struct genesis_scheme row;
    if (now->scheme_count >= room || genesis_decode_scheme(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    uint32_t at = now->scheme_count++;
    for (; at > 0 && now->schemes[at - 1].number > row.number; at--) {
        now->schemes[at] = now->schemes[at - 1];
    }
    now->schemes[at] = row;
    return STATUS_OK;
}

static enum status load_calendar(struct genesis *now, struct span value, uint32_t room)
{
    struct genesis_calendar row;
    if (now->calendar_count >= room || genesis_decode_calendar(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    uint32_t at = now->calendar_count++;
    for (; at > 0 && now->calendars[at - 1].number > row.number; at--) {
        now->calendars[at] = now->calendars[at - 1];
    }
    now->calendars[at] = row;
    return STATUS_OK;
}

/* The first row of a table takes the place of what genesis put there. */
static void forget_genesis(struct genesis *now, enum ledger_table table)
{
    uint32_t *counts[LEDGER_TABLE_COUNT] = {[TABLE_PARTICIPANTS] = &now->participant_count,
                                            [TABLE_LIMITS] = &now->limit_count,
                                            [TABLE_SERVICES] = &now->service_count,
                                            [TABLE_SCHEMES] = &now->scheme_count,
                                            [TABLE_CALENDARS] = &now->calendar_count};
    if (counts[table] != NULL) {
        *counts[table] = 0;
    }
}

static enum status load_row(struct ledger *ledger, enum ledger_table table, struct span value)
{
    struct genesis *now = &ledger->refdata.now;
    const struct refdata_room *room = &ledger->limits.refdata;
    if (table == TABLE_PARTICIPANTS) {
        return load_participant(now, value, room->participants);
    }
    if (table == TABLE_LIMITS) {
        return load_limit(now, value, room->limits);
    }
    if (table == TABLE_SERVICES) {
        return load_service(now, value, room->services);
    }
    if (table == TABLE_SCHEMES) {
        return load_scheme(now, value, room->schemes);
    }
    if (table == TABLE_CALENDARS) {
        return load_calendar(now, value, room->calendars);
    }
    return genesis_decode_parameters(value, &now->parameters) == STATUS_OK ? STATUS_OK
                                                                           : STATUS_CORRUPT;
}

enum status refdata_load(struct ledger *ledger, unsigned table, struct span key, struct span value)
{
    uint8_t row[STATIC_ROW_BYTES_MAX];
    struct genesis *now = &ledger->refdata.now;
    if (ledger->loaded[table] == 0) {
        forget_genesis(now, (enum ledger_table)table);
    }
    enum status status = load_row(ledger, (enum ledger_table)table, value);
    if (status != STATUS_OK) {
        return status;
    }
    /* The key must be the row's own: one of those that are there now. */
    uint32_t count = digest_static_count(now, (enum ledger_table)table);
    for (uint32_t i = count; i-- > 0;) {
        struct writer writer = writer_over(row, sizeof row);
        uint32_t length = digest_static_row(now, (enum ledger_table)table, i, &writer);
        if (key.length == length && memcmp(row, key.data, length) == 0) {
            return writer.used - length == value.length &&
                           memcmp(row + length, value.data, value.length) == 0
                       ? STATUS_OK
                       : STATUS_CORRUPT;
        }
    }
    return STATUS_CORRUPT;
}

const char *refdata_load_done(struct ledger *ledger, bool with_all)
{
    const struct genesis *now = &ledger->refdata.now;
    for (unsigned i = 0; i < TABLES_COUNT; i++) {
        bool comes_last = TABLES[i] == TABLE_CALENDARS || TABLES[i] == TABLE_PARAMETERS;
        struct hash digest = digest_static_table(now, TABLES[i]);
        if ((with_all || !comes_last) && !hash_equal(&digest, &ledger->state.digests[TABLES[i]])) {
            return "a row of participants, limits, services, schemes, calendars or parameters is "
                   "missing or changed";
        }
    }
    refdata_changed(ledger);
    return NULL;
}
