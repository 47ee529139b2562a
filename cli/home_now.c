/*
 * home_now: participants, limits, services, schemes, calendars and parameters as they stand in a
 * snapshot: what genesis said and approved actions have changed since (docs/ledger.md, Actions of
 * kinds 5 to 12), proved by state_root. The rest of genesis never changes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/home_proof.h"
#include "ledger/genesis_rows.h"
#include "ledger/rows.h"
#include "node/genesis_file.h"

/* Reads one row into a list's next place. */
typedef enum status (*read_row)(struct span value, void *row);

static enum status read_participant(struct span value, void *row)
{
    return genesis_decode_participant(value, row);
}

static enum status read_limit(struct span value, void *row)
{
    return genesis_decode_limit(value, row);
}

static enum status read_service(struct span value, void *row)
{
    return genesis_decode_service(value, row);
}

static enum status read_scheme(struct span value, void *row)
{
    return genesis_decode_scheme(value, row);
}

static enum status read_calendar(struct span value, void *row)
{
    return genesis_decode_calendar(value, row);
}

/* All rows of a table, in the order of their keys, at most most of them. */
static enum status read_table(struct home *home, unsigned table, uint64_t most, size_t row_size,
                              read_row read, void **ret_rows, uint32_t *ret_count)
{
    uint8_t from[LIMIT_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    uint64_t room = 0;
    struct span key, value;
    uint8_t *rows = NULL;
    *ret_rows = NULL;
    for (*ret_count = 0;
         store_seek(home->store, (enum store_table)table, from, from_length, &key, &value);) {
        if (*ret_count == room) {
            room = room == 0 ? 16 : 2 * room;
            rows = realloc(rows, room * row_size);
            CHECK(rows != NULL);
            *ret_rows = rows;
        }
        memset(rows + *ret_count * row_size, 0, row_size);
        if (*ret_count == most || key.length >= sizeof from ||
            read(value, rows + *ret_count * row_size) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        ++*ret_count;
        /* The next key is this one and a zero byte. */
        from_length = key.length + 1;
        memcpy(from, key.data, key.length);
        from[key.length] = 0;
    }
    return STATUS_OK;
}

static enum status read_parameters(struct home *home, struct genesis *now)
{
    struct span value;
    if (!store_get(home->store, (enum store_table)TABLE_PARAMETERS, "parameters",
                   PARAMETERS_KEY_BYTES, &value)) {
        return STATUS_CORRUPT;
    }
    return genesis_decode_parameters(value, &now->parameters);
}

static enum status read_lists(struct home *home, struct genesis *now)
{
    const struct {
        unsigned table;
        uint64_t most;
        size_t row_size;
        read_row read;
        void *rows;
        uint32_t *count;
    } lists[] = {
        {TABLE_PARTICIPANTS, LIMIT_PARTICIPANTS, sizeof *now->participants, read_participant,
         &now->participants, &now->participant_count},
        {TABLE_LIMITS, LIMIT_ACCOUNTS, sizeof *now->limits, read_limit, &now->limits,
         &now->limit_count},
        {TABLE_SERVICES, LIMIT_SERVICES, sizeof *now->services, read_service, &now->services,
         &now->service_count},
        {TABLE_SCHEMES, LIMIT_SCHEMES, sizeof *now->schemes, read_scheme, &now->schemes,
         &now->scheme_count},
        {TABLE_CALENDARS, LIMIT_CALENDARS, sizeof *now->calendars, read_calendar, &now->calendars,
         &now->calendar_count},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && status == STATUS_OK; i++) {
        void *rows;
        status = read_table(home, lists[i].table, lists[i].most, lists[i].row_size, lists[i].read,
                            &rows, lists[i].count);
        memcpy(lists[i].rows, &rows, sizeof rows);
    }
    return status == STATUS_OK ? read_parameters(home, now) : status;
}

enum status home_read_now(struct home *home)
{
    struct genesis now = home->genesis;
    now.participants = NULL;
    now.limits = NULL;
    now.services = NULL;
    now.schemes = NULL;
    now.calendars = NULL;
    now.validators = NULL;
    now.currencies = calloc(now.currency_count, sizeof *now.currencies);
    CHECK(now.currencies != NULL);
    memcpy(now.currencies, home->genesis.currencies, now.currency_count * sizeof *now.currencies);
    enum status status = read_lists(home, &now);
    if (status == STATUS_OK) {
        status = home_prove_state(home, &now, home->digests);
    }
    if (status != STATUS_OK || now.participant_count == 0) {
        genesis_free(&now);
        return STATUS_CORRUPT;
    }
    names_free(home->names);
    genesis_free(&home->now);
    home->now = now;
    home->names = names_new(&home->now);
    return STATUS_OK;
}
