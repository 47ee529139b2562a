/* genesis_rows: decoders of reference data (see genesis_rows.h). */
#include "ledger/genesis_rows.h"

#include <string.h>

enum status genesis_decode_participant(struct span bytes, struct genesis_participant *ret_row)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct genesis_participant row;
    memset(&row, 0, sizeof row);
    row.number = reader_u32(&reader);
    row.roles = reader_u32(&reader);
    reader_copy(&reader, row.name, sizeof row.name);
    reader_copy(&reader, row.bic, sizeof row.bic);
    reader_copy(&reader, row.clearing_code, sizeof row.clearing_code);
    reader_copy(&reader, row.transport_key.bytes, sizeof row.transport_key.bytes);
    row.settles_through = reader_u32(&reader);
    row.status = reader_u32(&reader);
    row.key_count = reader_u32(&reader);
    if (row.key_count > LIMIT_PARTICIPANT_KEYS) {
        return STATUS_OVERSIZED;
    }
    for (uint32_t i = 0; i < row.key_count; i++) {
        row.keys[i].key_no = reader_u32(&reader);
        row.keys[i].permissions = reader_u32(&reader);
        reader_copy(&reader, row.keys[i].key.bytes, sizeof row.keys[i].key.bytes);
    }
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

enum status genesis_decode_limit(struct span bytes, struct genesis_limit *ret_row)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct genesis_limit row = {.participant = reader_u32(&reader)};
    row.currency = reader_u16(&reader);
    row.flags = reader_u16(&reader);
    row.cap = reader_u64(&reader);
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

enum status genesis_decode_service(struct span bytes, struct genesis_service *ret_row)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct genesis_service row;
    memset(&row, 0, sizeof row);
    row.number = reader_u16(&reader);
    row.currency = reader_u16(&reader);
    row.mode = reader_u16(&reader);
    row.settlement = reader_u16(&reader);
    reader_copy(&reader, row.name, sizeof row.name);
    row.funding_window_s = reader_u32(&reader);
    row.calendar = reader_u16(&reader);
    row.settlement_days = reader_u16(&reader);
    row.settle_minute = reader_u16(&reader);
    row.flags = reader_u16(&reader);
    row.cutoff_count = reader_u32(&reader);
    if (row.cutoff_count > sizeof row.cutoffs / sizeof row.cutoffs[0]) {
        return STATUS_OVERSIZED;
    }
    for (uint32_t i = 0; i < row.cutoff_count; i++) {
        row.cutoffs[i] = reader_u16(&reader);
    }
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

static void read_fee_rule(struct reader *reader, struct fee_rule *ret_rule)
{
    ret_rule->from_date = reader_u32(reader);
    ret_rule->to_date = reader_u32(reader);
    ret_rule->mcc_from = reader_u16(reader);
    ret_rule->mcc_to = reader_u16(reader);
    ret_rule->which = reader_u16(reader);
    ret_rule->rounding = reader_u16(reader);
    ret_rule->rate_ppm = (int32_t)reader_u32(reader);
    ret_rule->reserved = reader_u32(reader);
    ret_rule->minimum = reader_u64(reader);
    ret_rule->cap = reader_u64(reader);
}

enum status genesis_decode_scheme(struct span bytes, struct genesis_scheme *ret_row)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct genesis_scheme row;
    memset(&row, 0, sizeof row);
    row.number = reader_u16(&reader);
    row.service = reader_u16(&reader);
    row.submitters = reader_u16(&reader);
    row.confirmations = reader_u16(&reader);
    row.network = reader_u32(&reader);
    row.hold_timeout_s = reader_u32(&reader);
    row.match_timeout_s = reader_u32(&reader);
    reader_copy(&reader, row.name, sizeof row.name);
    row.flags = reader_u32(&reader);
    row.chargeback_s = reader_u32(&reader);
    row.represent_s = reader_u32(&reader);
    row.pre_arbitrate_s = reader_u32(&reader);
    row.answer_s = reader_u32(&reader);
    row.rule_s = reader_u32(&reader);
    row.fee_rule_count = reader_u32(&reader);
    if (row.fee_rule_count > LIMIT_FEE_RULES) {
        return STATUS_OVERSIZED;
    }
    for (uint32_t i = 0; i < row.fee_rule_count; i++) {
        read_fee_rule(&reader, &row.fee_rules[i]);
    }
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

enum status genesis_decode_calendar(struct span bytes, struct genesis_calendar *ret_row)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct genesis_calendar row;
    memset(&row, 0, sizeof row);
    row.number = reader_u16(&reader);
    row.weekend = reader_u16(&reader);
    reader_copy(&reader, row.name, sizeof row.name);
    row.holiday_count = reader_u32(&reader);
    row.workday_count = reader_u32(&reader);
    if (row.holiday_count > LIMIT_CALENDAR_DAYS || row.workday_count > LIMIT_CALENDAR_DAYS) {
        return STATUS_OVERSIZED;
    }
    for (uint32_t i = 0; i < row.holiday_count; i++) {
        row.holidays[i] = reader_u32(&reader);
    }
    for (uint32_t i = 0; i < row.workday_count; i++) {
        row.workdays[i] = reader_u32(&reader);
    }
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

enum status genesis_decode_parameters(struct span bytes, struct parameters *ret_row)
{
    struct reader reader = reader_over(bytes.data, bytes.length);
    struct parameters row = {.queue_max = reader_u32(&reader)};
    row.queue_quota = reader_u32(&reader);
    row.fund_share_ppm = reader_u32(&reader);
    row.reserved = reader_u32(&reader);
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        row.policies[i].kind = reader_u16(&reader);
        row.policies[i].approvals = reader_u16(&reader);
        row.policies[i].proposers = reader_u32(&reader);
        row.policies[i].approvers = reader_u32(&reader);
        row.policies[i].lapse_s = reader_u32(&reader);
    }
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}
