/* genesis_products: whether the configuration in a genesis fits together: policies, calendars,
   services and schemes with their fee rules (docs/formats.md, Genesis; see genesis_check.h). */
#include "ledger/calendar.h"
#include "ledger/genesis_check.h"

#define ROLES_ALL 255u
#define SIDES_ALL (SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK)
#define SCHEME_FLAGS (SCHEME_FEES_BINDING | SCHEME_FEE_MANDATE)
#define MINUTES_A_DAY 1440
#define SETTLEMENT_DAYS_MAX 30
#define MCC_MAX 9999
#define RATE_PPM_MAX 1000000
#define FUND_SHARE_PPM_MAX 1000000
#define APPROVALS_MAX 16
#define LAPSE_S_MIN 60
#define WEEKEND_ALL 127u

bool genesis_check_policies(const struct parameters *parameters, const struct complaint *complaint)
{
    if (parameters->queue_max == 0 || parameters->queue_max > LIMIT_QUEUE ||
        parameters->queue_quota == 0 || parameters->queue_quota > parameters->queue_max) {
        return COMPLAIN(complaint,
                        "parameters: queue_max % is outside 1 to %, or queue_quota % outside 1 to "
                        "queue_max",
                        parameters->queue_max, LIMIT_QUEUE, parameters->queue_quota);
    }
    if (parameters->fund_share_ppm > FUND_SHARE_PPM_MAX || parameters->reserved != 0) {
        return COMPLAIN(complaint, "parameters: fund_share_ppm % is above %",
                        parameters->fund_share_ppm, FUND_SHARE_PPM_MAX);
    }
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        const struct action_policy *policy = &parameters->policies[i];
        if (policy->kind != POLICY_KIND_FIRST + i || policy->approvals == 0 ||
            policy->approvals > APPROVALS_MAX || policy->proposers == 0 || policy->approvers == 0 ||
            ((policy->proposers | policy->approvers) & ~ROLES_ALL) != 0 ||
            policy->lapse_s < LAPSE_S_MIN) {
            return COMPLAIN(complaint,
                            "parameters.policies[%]: expected the kinds from participant to cycle "
                            "in order, approvals 1 to %, known roles that propose and approve, "
                            "lapse_s at least %",
                            i, APPROVALS_MAX, LAPSE_S_MIN);
        }
    }
    return true;
}

static bool are_days(const uint32_t *days, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!calendar_is_date(days[i]) || (i > 0 && days[i] <= days[i - 1])) {
            return false;
        }
    }
    return true;
}

static bool share_a_day(const struct genesis_calendar *calendar)
{
    for (uint32_t h = 0, w = 0; h < calendar->holiday_count && w < calendar->workday_count;) {
        if (calendar->holidays[h] == calendar->workdays[w]) {
            return true;
        }
        if (calendar->holidays[h] < calendar->workdays[w]) {
            h++;
        } else {
            w++;
        }
    }
    return false;
}

bool genesis_check_calendars(const struct genesis *genesis, const struct complaint *complaint)
{
    uint32_t previous = 0;
    for (uint32_t i = 0; i < genesis->calendar_count; i++) {
        const struct genesis_calendar *calendar = &genesis->calendars[i];
        if (calendar->number <= previous) {
            return COMPLAIN(complaint, "calendars[%]: number %; expected ascending numbers from 1",
                            i, calendar->number);
        }
        previous = calendar->number;
        if (calendar->weekend > WEEKEND_ALL ||
            !genesis_is_text(calendar->name, sizeof calendar->name, false)) {
            return COMPLAIN(complaint, "calendar %: unknown days of the weekend, or no name",
                            calendar->number);
        }
        if (calendar->holiday_count > LIMIT_CALENDAR_DAYS ||
            calendar->workday_count > LIMIT_CALENDAR_DAYS ||
            !are_days(calendar->holidays, calendar->holiday_count) ||
            !are_days(calendar->workdays, calendar->workday_count) || share_a_day(calendar)) {
            return COMPLAIN(complaint,
                            "calendar %: holidays and workdays are dates as 20260101, at most % of "
                            "each, ascending, none in both",
                            calendar->number, LIMIT_CALENDAR_DAYS);
        }
    }
    return true;
}

static bool check_cutoffs(const struct genesis_service *service, const struct complaint *complaint)
{
    if (service->cutoff_count > sizeof service->cutoffs / sizeof service->cutoffs[0]) {
        return COMPLAIN(complaint, "service %: % cut-offs, at most 16", service->number,
                        service->cutoff_count);
    }
    for (uint32_t i = 0; i < service->cutoff_count; i++) {
        if (service->cutoffs[i] >= MINUTES_A_DAY ||
            (i > 0 && service->cutoffs[i] <= service->cutoffs[i - 1])) {
            return COMPLAIN(complaint,
                            "service %: cut-offs are minutes of the day, 0 to 1439, ascending",
                            service->number);
        }
    }
    return true;
}

/* When its cycles settle. */
static bool check_dates(const struct genesis *genesis, const struct genesis_service *service,
                        const struct complaint *complaint)
{
    if (service->calendar != 0 && genesis_calendar(genesis, service->calendar) == NULL) {
        return COMPLAIN(complaint, "service %: calendar % is not declared", service->number,
                        service->calendar);
    }
    if (service->settlement_days > SETTLEMENT_DAYS_MAX || service->settle_minute >= MINUTES_A_DAY) {
        return COMPLAIN(
            complaint, "service %: settlement_days % is above %, or settle_minute % above 1439",
            service->number, service->settlement_days, SETTLEMENT_DAYS_MAX, service->settle_minute);
    }
    if ((service->flags & ~(uint32_t)SERVICE_BUSINESS_DAYS) != 0) {
        return COMPLAIN(complaint, "service %: unknown flags %", service->number, service->flags);
    }
    return true;
}

bool genesis_check_services(const struct genesis *genesis, const struct complaint *complaint)
{
    uint32_t previous = 0;
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        const struct genesis_service *service = &genesis->services[i];
        if (service->number <= previous) {
            return COMPLAIN(complaint, "services[%]: number %; expected ascending numbers from 1",
                            i, service->number);
        }
        previous = service->number;
        if (genesis_currency(genesis, service->currency) == NULL) {
            return COMPLAIN(complaint, "service %: currency % is not declared", service->number,
                            service->currency);
        }
        if (service->mode < SERVICE_DEFERRED || service->mode > SERVICE_GROSS ||
            service->settlement < SETTLEMENT_PREFUNDED ||
            service->settlement > SETTLEMENT_EXTERNAL ||
            !genesis_is_text(service->name, sizeof service->name, false)) {
            return COMPLAIN(complaint, "service %: unknown mode or settlement, or no name",
                            service->number);
        }
        if (!check_cutoffs(service, complaint) || !check_dates(genesis, service, complaint)) {
            return false;
        }
    }
    return true;
}

static bool check_disputes(const struct genesis *genesis, const struct genesis_scheme *scheme,
                           const struct complaint *complaint)
{
    const bool gross = genesis_service(genesis, scheme->service)->mode == SERVICE_GROSS;
    if ((scheme->flags & ~(uint32_t)SCHEME_FLAGS) != 0) {
        return COMPLAIN(complaint, "scheme %: unknown flags %", scheme->number, scheme->flags);
    }
    if (gross && (scheme->chargeback_s != 0 || (scheme->flags & SCHEME_FEE_MANDATE) != 0)) {
        return COMPLAIN(complaint,
                        "scheme %: its service is gross: no chargeback_s and no fee_mandate",
                        scheme->number);
    }
    if (scheme->pre_arbitrate_s != 0 &&
        (scheme->represent_s == 0 || scheme->answer_s == 0 || scheme->network == 0)) {
        return COMPLAIN(complaint,
                        "scheme %: pre_arbitrate_s needs represent_s, answer_s and a network that "
                        "rules",
                        scheme->number);
    }
    return true;
}

static bool is_fee_rule(const struct fee_rule *rule, bool has_network)
{
    const bool lasts =
        rule->to_date == 0 || (calendar_is_date(rule->to_date) && rule->to_date >= rule->from_date);
    const bool which = rule->which == FEE_INTERCHANGE ||
                       (has_network && (rule->which == FEE_PAYER || rule->which == FEE_PAYEE));
    return calendar_is_date(rule->from_date) && lasts && rule->mcc_from <= rule->mcc_to &&
           rule->mcc_to <= MCC_MAX && which && rule->rounding >= ROUND_HALF_UP &&
           rule->rounding <= ROUND_UP && rule->rate_ppm >= -RATE_PPM_MAX &&
           rule->rate_ppm <= RATE_PPM_MAX && rule->reserved == 0 && rule->minimum < LIMIT_AMOUNT &&
           rule->cap < LIMIT_AMOUNT && (rule->cap == 0 || rule->cap >= rule->minimum);
}

static bool check_fee_rules(const struct genesis_scheme *scheme, const struct complaint *complaint)
{
    if (scheme->fee_rule_count > LIMIT_FEE_RULES) {
        return COMPLAIN(complaint, "scheme %: % fee rules, at most %", scheme->number,
                        scheme->fee_rule_count, LIMIT_FEE_RULES);
    }
    for (uint32_t i = 0; i < scheme->fee_rule_count; i++) {
        if (!is_fee_rule(&scheme->fee_rules[i], scheme->network != 0)) {
            return COMPLAIN(complaint,
                            "scheme %, fee_rules[%]: expected dates as 20260101, from at most to; "
                            "mcc_from to mcc_to within 9999; interchange, or a network's fee where "
                            "there is one; a known rounding; rate_ppm within 1000000; minimum at "
                            "most cap, below 10^18",
                            scheme->number, i);
        }
    }
    return true;
}

bool genesis_check_schemes(const struct genesis *genesis, const struct complaint *complaint)
{
    uint32_t previous = 0;
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        const struct genesis_scheme *scheme = &genesis->schemes[i];
        if (scheme->number <= previous) {
            return COMPLAIN(complaint, "schemes[%]: number %; expected ascending numbers from 1", i,
                            scheme->number);
        }
        previous = scheme->number;
        if (genesis_service(genesis, scheme->service) == NULL) {
            return COMPLAIN(complaint, "scheme %: service % is not declared", scheme->number,
                            scheme->service);
        }
        const struct genesis_participant *network = genesis_participant(genesis, scheme->network);
        if (scheme->network != 0 && (network == NULL || (network->roles & ROLE_NETWORK) == 0)) {
            return COMPLAIN(complaint, "scheme %: participant % is not declared as a network",
                            scheme->number, scheme->network);
        }
        if (scheme->submitters == 0 || (scheme->submitters & ~SIDES_ALL) != 0 ||
            ((scheme->submitters & SIDE_NETWORK) != 0 && scheme->network == 0)) {
            return COMPLAIN(complaint, "scheme %: submitters are sides it does not have",
                            scheme->number);
        }
        if (scheme->confirmations < 1 || scheme->confirmations > 2 ||
            !genesis_is_text(scheme->name, sizeof scheme->name, false)) {
            return COMPLAIN(complaint, "scheme %: confirmations is not 1 or 2, or it has no name",
                            scheme->number);
        }
        if (!check_disputes(genesis, scheme, complaint) || !check_fee_rules(scheme, complaint)) {
            return false;
        }
    }
    return true;
}
