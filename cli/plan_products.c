/* plan_products: calendars, services, schemes and parameters of participants.json (see plan.h). */
#include <stdio.h>
#include <string.h>

#include "cli/plan_read.h"

#define DAY_S 86400
#define TIMEOUT_S_MAX (366 * DAY_S)
#define ROOM_PARTICIPANTS 1024 /* of a network that says nothing else */
#define ROOM_SERVICES 8
#define WEEKEND_USUAL 96u /* Saturday and Sunday */

/* "23:00", two digits each. */
static bool read_minute_of_day(const char *text, uint16_t *ret_minute)
{
    if (strlen(text) != 5 || strspn(text, "0123456789") != 2 || text[2] != ':' ||
        strspn(text + 3, "0123456789") != 2) {
        return false;
    }
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    if (hour > 23 || minute > 59) {
        return false;
    }
    *ret_minute = (uint16_t)(hour * 60 + minute);
    return true;
}

static void read_cutoffs(struct plan *plan, json_t *item, struct genesis_service *service)
{
    json_t *cutoffs = plan_array(plan, item, "cutoffs", 16);
    service->cutoff_count = (uint32_t)json_array_size(cutoffs);
    for (uint32_t i = 0; i < service->cutoff_count; i++) {
        const char *text = json_string_value(json_array_get(cutoffs, i));
        if (text == NULL || !read_minute_of_day(text, &service->cutoffs[i])) {
            plan_fail(plan, "cutoffs", "expected times such as \"23:00\"");
            return;
        }
    }
}

static uint16_t find_calendar(const struct genesis *genesis, json_t *word)
{
    for (uint32_t i = 0; i < genesis->calendar_count; i++) {
        const struct genesis_calendar *own = &genesis->calendars[i];
        if ((json_is_integer(word) && json_integer_value(word) == own->number) ||
            (json_is_string(word) && strcmp(json_string_value(word), own->name) == 0)) {
            return own->number;
        }
    }
    return 0;
}

/* On which day and minute a closed cycle settles. */
static void read_dates(struct plan *plan, json_t *item, struct genesis_service *service)
{
    json_t *calendar = json_object_get(item, "calendar");
    service->calendar = calendar == NULL ? 0 : find_calendar(plan->genesis, calendar);
    if (calendar != NULL && service->calendar == 0) {
        plan_fail(plan, "calendar", "expected the name or number of one of this file's calendars");
    }
    service->settlement_days = (uint16_t)plan_number(plan, item, "settlement_days", 0, 0, 30);
    if (!read_minute_of_day(plan_text(plan, item, "settle_time", "00:00"),
                            &service->settle_minute)) {
        plan_fail(plan, "settle_time", "expected a time such as \"09:00\"");
    }
    json_t *business = json_object_get(item, "business_days");
    if (business != NULL && !json_is_boolean(business)) {
        plan_fail(plan, "business_days", "expected true or false");
    }
    service->flags = json_is_true(business) ? SERVICE_BUSINESS_DAYS : 0;
}

static uint32_t read_days(struct plan *plan, json_t *item, const char *name, uint32_t *days)
{
    json_t *list = plan_array(plan, item, name, LIMIT_CALENDAR_DAYS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *day = json_array_get(list, i);
        if (!json_is_integer(day) || json_integer_value(day) < 0 ||
            json_integer_value(day) > UINT32_MAX) {
            plan_fail(plan, name, "expected dates such as 20260101");
            return 0;
        }
        days[i] = (uint32_t)json_integer_value(day);
    }
    return (uint32_t)json_array_size(list);
}

void plan_read_calendar(struct plan *plan, json_t *item, struct genesis_calendar *calendar)
{
    if (plan_members(plan, item, "number name weekend holidays workdays")) {
        calendar->number = (uint16_t)plan_number(plan, item, "number", -1, 1, UINT16_MAX);
        plan_copy(plan, item, "name", NULL, calendar->name, sizeof calendar->name);
        calendar->weekend = (uint16_t)plan_words(
            plan, item, "weekend", "monday tuesday wednesday thursday friday saturday sunday",
            WEEKEND_USUAL);
        calendar->holiday_count = read_days(plan, item, "holidays", calendar->holidays);
        calendar->workday_count = read_days(plan, item, "workdays", calendar->workdays);
    }
}

void plan_read_service(struct plan *plan, json_t *item, struct genesis_service *service)
{
    if (!plan_members(plan, item,
                      "number name currency mode settlement cutoffs funding_window_s calendar "
                      "settlement_days settle_time business_days")) {
        return;
    }
    service->number = (uint16_t)plan_number(plan, item, "number", -1, 1, UINT16_MAX);
    plan_copy(plan, item, "name", NULL, service->name, sizeof service->name);
    service->currency = plan_currency(plan, item)->numeric;
    int mode = plan_word("DEFERRED GROSS", plan_text(plan, item, "mode", "DEFERRED"));
    int settlement =
        plan_word("PREFUNDED EXTERNAL", plan_text(plan, item, "settlement", "PREFUNDED"));
    if (mode < 0 || settlement < 0) {
        plan_fail(plan, mode < 0 ? "mode" : "settlement", "expected %s",
                  mode < 0 ? "DEFERRED or GROSS" : "PREFUNDED or EXTERNAL");
    }
    service->mode = (uint16_t)(SERVICE_DEFERRED + mode);
    service->settlement = (uint16_t)(SETTLEMENT_PREFUNDED + settlement);
    service->funding_window_s =
        (uint32_t)plan_number(plan, item, "funding_window_s", 0, 0, 7 * 86400);
    read_cutoffs(plan, item, service);
    read_dates(plan, item, service);
}

static uint16_t find_service(const struct genesis *genesis, json_t *word)
{
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        const struct genesis_service *own = &genesis->services[i];
        if ((json_is_integer(word) && json_integer_value(word) == own->number) ||
            (json_is_string(word) && strcmp(json_string_value(word), own->name) == 0)) {
            return own->number;
        }
    }
    return 0;
}

static uint32_t read_seconds(struct plan *plan, json_t *item, const char *name, uint32_t fallback)
{
    return (uint32_t)plan_number(plan, item, name, fallback, 0, TIMEOUT_S_MAX);
}

static void read_fee_rule(struct plan *plan, json_t *item, unsigned exponent, struct fee_rule *rule)
{
    if (!plan_members(plan, item,
                      "fee from_date to_date mcc_from mcc_to rate_ppm rounding minimum cap")) {
        return;
    }
    int which = plan_word("interchange payer_fee payee_fee", plan_text(plan, item, "fee", NULL));
    int rounding =
        plan_word("half_up half_even down up", plan_text(plan, item, "rounding", "half_up"));
    if (which < 0 || rounding < 0) {
        plan_fail(plan, which < 0 ? "fee" : "rounding", "expected %s",
                  which < 0 ? "interchange, payer_fee or payee_fee"
                            : "half_up, half_even, down or up");
    }
    rule->which = (uint16_t)(FEE_INTERCHANGE + which);
    rule->rounding = (uint16_t)(ROUND_HALF_UP + rounding);
    rule->from_date = (uint32_t)plan_number(plan, item, "from_date", -1, 19700101, 99991231);
    rule->to_date = (uint32_t)plan_number(plan, item, "to_date", 0, 0, 99991231);
    rule->mcc_from = (uint16_t)plan_number(plan, item, "mcc_from", 0, 0, 9999);
    rule->mcc_to = (uint16_t)plan_number(plan, item, "mcc_to", 9999, 0, 9999);
    json_t *rate = json_object_get(item, "rate_ppm");
    if (!json_is_integer(rate) || json_integer_value(rate) < -1000000 ||
        json_integer_value(rate) > 1000000) {
        plan_fail(plan, "rate_ppm", "expected a whole number from -1000000 to 1000000");
        return;
    }
    rule->rate_ppm = (int32_t)json_integer_value(rate);
    rule->minimum = plan_amount(plan, item, "minimum", exponent);
    rule->cap = plan_amount(plan, item, "cap", exponent);
}

/* Amounts of a rule are in the currency of the scheme's service. */
static void read_fee_rules(struct plan *plan, json_t *item, struct genesis_scheme *scheme)
{
    const struct genesis_service *service = genesis_service(plan->genesis, scheme->service);
    json_t *rules = plan_array(plan, item, "fee_rules", LIMIT_FEE_RULES);
    if (service == NULL || rules == NULL) {
        return;
    }
    const struct genesis_currency *currency = genesis_currency(plan->genesis, service->currency);
    for (size_t i = 0; i < json_array_size(rules) && !plan->failed; i++) {
        size_t used = strlen(plan->place);
        snprintf(plan->place + used, sizeof plan->place - used, "fee_rules[%zu].", i);
        read_fee_rule(plan, json_array_get(rules, i), currency == NULL ? 0 : currency->exponent,
                      &scheme->fee_rules[scheme->fee_rule_count++]);
        plan->place[used] = '\0';
    }
}

void plan_read_scheme(struct plan *plan, json_t *item, struct genesis_scheme *scheme)
{
    if (!plan_members(plan, item,
                      "number name service network submitters confirmations hold_timeout_s "
                      "match_timeout_s flags chargeback_s represent_s pre_arbitrate_s answer_s "
                      "rule_s fee_rules")) {
        return;
    }
    scheme->number = (uint16_t)plan_number(plan, item, "number", -1, 1, UINT16_MAX);
    plan_copy(plan, item, "name", NULL, scheme->name, sizeof scheme->name);
    scheme->service = find_service(plan->genesis, json_object_get(item, "service"));
    if (scheme->service == 0) {
        plan_fail(plan, "service", "expected the name or number of one of this file's services");
    }
    json_t *network = json_object_get(item, "network");
    scheme->network = network == NULL ? 0 : plan_participant(plan->genesis, network);
    if (network != NULL && scheme->network == 0) {
        plan_fail(plan, "network",
                  "expected the name or number of one of this file's participants");
    }
    scheme->submitters = (uint16_t)plan_words(plan, item, "submitters", "payer payee network", 0);
    scheme->confirmations = (uint16_t)plan_number(plan, item, "confirmations", 1, 1, 2);
    scheme->hold_timeout_s = read_seconds(plan, item, "hold_timeout_s", 7 * DAY_S);
    scheme->match_timeout_s = read_seconds(plan, item, "match_timeout_s", DAY_S);
    scheme->flags = plan_words(plan, item, "flags", "fees_binding fee_mandate", 0);
    scheme->chargeback_s = read_seconds(plan, item, "chargeback_s", 0);
    scheme->represent_s = read_seconds(plan, item, "represent_s", 0);
    scheme->pre_arbitrate_s = read_seconds(plan, item, "pre_arbitrate_s", 0);
    scheme->answer_s = read_seconds(plan, item, "answer_s", 0);
    scheme->rule_s = read_seconds(plan, item, "rule_s", 0);
    read_fee_rules(plan, item, scheme);
}

static void read_policies(struct plan *plan, json_t *object, struct parameters *parameters)
{
    static const char roles[] = "bank fintech network agent operator auditor insurer fund";
    json_t *list = plan_array(plan, object, "policies", POLICY_COUNT);
    for (size_t i = 0; i < json_array_size(list) && !plan->failed; i++) {
        json_t *item = json_array_get(list, i);
        snprintf(plan->place, sizeof plan->place, "parameters.policies[%zu].", i);
        if (!plan_members(plan, item, "kind approvals proposers approvers lapse_s")) {
            return;
        }
        int kind = plan_word("participant keys standing limit service scheme parameters cycle",
                             plan_text(plan, item, "kind", NULL));
        if (kind < 0) {
            plan_fail(plan, "kind",
                      "expected participant, keys, standing, limit, service, scheme, parameters or "
                      "cycle");
            return;
        }
        struct action_policy *own = &parameters->policies[kind];
        own->approvals = (uint16_t)plan_number(plan, item, "approvals", own->approvals, 1, 16);
        own->proposers = plan_words(plan, item, "proposers", roles, own->proposers);
        own->approvers = plan_words(plan, item, "approvers", roles, own->approvers);
        own->lapse_s = (uint32_t)plan_number(plan, item, "lapse_s", own->lapse_s, 60, UINT32_MAX);
    }
}

void plan_read_parameters(struct plan *plan, json_t *root)
{
    struct genesis *genesis = plan->genesis;
    struct parameters *own = &genesis->parameters;
    uint64_t room = LIMIT_ACCOUNTS / (4ull * genesis->currency_count) - 1;
    room = room < LIMIT_PARTICIPANTS ? room : LIMIT_PARTICIPANTS;
    uint64_t usual = genesis->participant_count + ROOM_PARTICIPANTS;
    uint32_t services = genesis->service_count + ROOM_SERVICES;
    plan->place[0] = '\0';
    genesis->participants_max =
        (uint32_t)plan_number(plan, root, "participants_max",
                              (int64_t)(usual < room ? usual : room), 1, LIMIT_PARTICIPANTS);
    genesis->services_max = (uint32_t)plan_number(
        plan, root, "services_max", services < LIMIT_SERVICES ? services : LIMIT_SERVICES, 0,
        LIMIT_SERVICES);
    *own = genesis_default_parameters();
    json_t *object = json_object_get(root, "parameters");
    if (object == NULL) {
        return;
    }
    snprintf(plan->place, sizeof plan->place, "parameters.");
    if (plan_members(plan, object, "queue_max queue_quota fund_share_ppm policies")) {
        own->queue_max =
            (uint32_t)plan_number(plan, object, "queue_max", own->queue_max, 1, LIMIT_QUEUE);
        own->queue_quota =
            (uint32_t)plan_number(plan, object, "queue_quota", own->queue_quota, 1, LIMIT_QUEUE);
        own->fund_share_ppm =
            (uint32_t)plan_number(plan, object, "fund_share_ppm", own->fund_share_ppm, 0, 1000000);
        read_policies(plan, object, own);
    }
}
