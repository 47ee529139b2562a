/*
 * calendar: days, cut-off instants and settlement dates in the network's fixed UTC offset
 * (docs/ledger.md, Cycles, Time). Pure functions of their arguments.
 */
#ifndef HEFU_LEDGER_CALENDAR_H
#define HEFU_LEDGER_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/genesis.h"

/* Whether it is a date of the proleptic Gregorian calendar from 1970 to 9999. */
bool calendar_is_date(uint32_t yyyymmdd);
/* Days since 1970-01-01 of a date yyyymmdd, which must be one; and back. */
uint32_t calendar_day(uint32_t yyyymmdd);
uint32_t calendar_date(uint32_t day);
/* The local day of an instant. */
uint32_t calendar_local_day(uint64_t time_ms, int32_t utc_offset_minutes);
/* The instant of a minute of a local day. */
uint64_t calendar_instant(uint32_t day, uint32_t minute, int32_t utc_offset_minutes);

/* calendar NULL: every day is a business day. */
bool calendar_is_business_day(const struct genesis_calendar *calendar, uint32_t day);
/* days 0: the first business day at or after; n: the n-th strictly after. Looks at most 3,660 days
   ahead; if there is none it answers the last looked at. */
uint32_t calendar_settlement_day(const struct genesis_calendar *calendar, uint32_t day,
                                 uint32_t days);
/* The smallest cut-off instant above time_ms; 0: the service has none. */
uint64_t calendar_next_cutoff(const struct genesis_service *service,
                              const struct genesis_calendar *calendar, uint64_t time_ms,
                              int32_t utc_offset_minutes);

#endif
