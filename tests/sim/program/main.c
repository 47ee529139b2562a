/*
 * hefu_sim: runs seeds of the simulator and reports (docs/testing.md, The simulator; scripts/sim).
 * Each job is a process of its own with every so-many-th seed; one line a failure, then what was
 * really exercised, then the total. A failed CHECK inside a replica is a failure of that seed.
 */
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/sim/sim.h"

#define JOBS_MAX 64
/* Every so many seeds, one is run twice: the same seed, the same trace (I16). */
#define TWICE_EVERY 50

struct plan {
    uint64_t first, count, jobs;
    uint32_t steps;
    bool beyond, trace;
};

/* What a job tells in the end. */
struct tally {
    uint64_t seeds, events, violations, stalls, undetected, forked, halted, detected, twice;
    double seconds;
    struct sim_counts counts;
    struct sim_actor_counts actors[SIM_ACTOR_COUNT];
};

static sigjmp_buf way_out;

static void on_abort(int signal_number)
{
    siglongjmp(way_out, signal_number);
}

static void add(struct tally *total, const struct tally *part)
{
    total->seeds += part->seeds;
    total->events += part->events;
    total->violations += part->violations;
    total->stalls += part->stalls;
    total->undetected += part->undetected;
    total->forked += part->forked;
    total->halted += part->halted;
    total->detected += part->detected;
    total->twice += part->twice;
    total->seconds += part->seconds;
#define ADD_FIELD(field, text) total->counts.field += part->counts.field;
    SIM_COUNTS(ADD_FIELD)
#undef ADD_FIELD
    for (unsigned i = 0; i < SIM_ACTOR_COUNT; i++) {
        total->actors[i].runs += part->actors[i].runs;
        total->actors[i].actions += part->actors[i].actions;
    }
}

static void print_failure(uint64_t seed, const char *invariant, uint64_t event, const char *what)
{
    const char *commit = getenv("HEFU_COMMIT");
    (void)printf("FAIL seed %" PRIu64 " commit %s invariant %s event %" PRIu64 ": %s\n", seed,
                 commit == NULL ? "unknown" : commit, invariant, event, what);
    (void)fflush(stdout);
}

static void judge(const struct plan *plan, uint64_t seed, const struct sim_result *result,
                  struct tally *tally)
{
    tally->seeds++;
    tally->events += result->events;
    tally->forked += result->forked;
    tally->halted += result->halted;
    tally->detected += result->forked && !result->undetected;
#define ADD_FIELD(field, text) tally->counts.field += result->counts.field;
    SIM_COUNTS(ADD_FIELD)
#undef ADD_FIELD
    for (unsigned i = 0; i < SIM_ACTOR_COUNT; i++) {
        tally->actors[i].runs += result->actors[i].runs;
        tally->actors[i].actions += result->actors[i].actions;
    }
    if (result->violation) {
        tally->violations++;
        print_failure(seed, result->invariant, result->events, result->sentence);
    } else if (result->stall) {
        tally->stalls++;
        print_failure(seed, "I15", result->events, result->sentence);
    } else if (plan->beyond && result->undetected) {
        tally->undetected++;
        print_failure(seed, "UNDETECTED", result->events,
                      "a fork of which evidence names too few, and nobody halted");
    }
}

static void run_seed(const struct plan *plan, uint64_t seed, struct tally *tally)
{
    static struct sim_result result;
    static struct sim_result again;
    const struct sim_options options = {.seed = seed,
                                        .steps = plan->steps,
                                        .beyond = plan->beyond,
                                        .trace = plan->trace ? stdout : NULL};
    const int signal_number = sigsetjmp(way_out, 1);
    if (signal_number != 0) {
        char what[64];
        (void)snprintf(what, sizeof what, "a replica ended by %s; see standard error",
                       signal_number == SIGABRT ? "CHECK" : "SIGSEGV");
        tally->seeds++;
        tally->violations++;
        print_failure(seed, "CHECK", result.events, what);
        return;
    }
    sim_run(&options, &result);
    judge(plan, seed, &result, tally);
    if (seed % TWICE_EVERY == 0 && !plan->trace) {
        sim_run(&options, &again);
        tally->twice++;
        if (again.trace_hash != result.trace_hash || again.events != result.events) {
            tally->violations++;
            print_failure(seed, "I16", again.events, "the same seed gave another trace");
        }
    }
}

static double seconds_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run_job(const struct plan *plan, uint64_t job, struct tally *tally)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_abort;
    (void)sigaction(SIGABRT, &action, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    memset(tally, 0, sizeof *tally);
    const double start = seconds_now();
    for (uint64_t seed = plan->first + job; seed < plan->first + plan->count; seed += plan->jobs) {
        run_seed(plan, seed, tally);
    }
    tally->seconds = seconds_now() - start;
}

/* In a process of its own, which writes its tally to the pipe. */
static void spawn(const struct plan *plan, uint64_t job, int *ret_pipe)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    (void)fflush(stdout);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        static struct tally tally;
        run_job(plan, job, &tally);
        (void)fflush(stdout);
        const bool written = write(ends[1], &tally, sizeof tally) == (ssize_t)sizeof tally;
        _exit(written ? 0 : 1);
    }
    (void)close(ends[1]);
    *ret_pipe = ends[0];
}

static bool collect(int pipe_end, struct tally *total)
{
    struct tally part;
    size_t got = 0;
    while (got < sizeof part) {
        const ssize_t length = read(pipe_end, (uint8_t *)&part + got, sizeof part - got);
        if (length <= 0) {
            return false;
        }
        got += (size_t)length;
    }
    add(total, &part);
    return true;
}

static void print_totals(const struct plan *plan, const struct tally *total)
{
    unsigned column = 0;
#define PRINT_FIELD(field, text)                                                                   \
    (void)printf("%s%s %" PRIu64, column++ % 6 == 0 ? "\n  " : ", ", text, total->counts.field);
    (void)printf("exercised:");
    SIM_COUNTS(PRINT_FIELD)
#undef PRINT_FIELD
    (void)printf("\nactors:");
    for (unsigned i = 0; i < SIM_ACTOR_COUNT; i++) {
        (void)printf("%s %s %" PRIu64 " runs %" PRIu64 " actions", i == 0 ? "" : ",",
                     sim_actor_name((enum sim_actor_kind)i), total->actors[i].runs,
                     total->actors[i].actions);
    }
    (void)printf("\nevents %" PRIu64 ", run twice %" PRIu64 ", %.0f events a second on one core\n",
                 total->events, total->twice,
                 total->seconds > 0 ? (double)total->events / total->seconds : 0.0);
    if (plan->beyond) {
        (void)printf("beyond f: forked %" PRIu64 ", of these detected %" PRIu64
                     ", UNDETECTED %" PRIu64 ", runs with a halt %" PRIu64 "\n",
                     total->forked, total->detected, total->undetected, total->halted);
    }
    (void)printf("seeds %" PRIu64 ", violations %" PRIu64 ", stalls %" PRIu64 "\n", total->seeds,
                 total->violations, total->stalls);
}

static void usage(void)
{
    (void)fprintf(stderr, "Usage: hefu_sim --seeds FIRST COUNT [--steps N] [--jobs N] [--beyond]\n"
                          "       hefu_sim --replay SEED [--trace] [--steps N] [--beyond]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9') {
        usage();
    }
    const uint64_t value = strtoull(text, &end, 10);
    if (*end != '\0') {
        usage();
    }
    return value;
}

static struct plan parse(char **arguments)
{
    struct plan plan = {.jobs = 1};
    for (char **a = arguments + 1; *a != NULL; a++) {
        if (strcmp(*a, "--seeds") == 0) {
            plan.first = number(a[1]);
            plan.count = number(a[2]);
            a += 2;
        } else if (strcmp(*a, "--replay") == 0) {
            plan.first = number(*++a);
            plan.count = 1;
        } else if (strcmp(*a, "--steps") == 0) {
            plan.steps = (uint32_t)number(*++a);
        } else if (strcmp(*a, "--jobs") == 0) {
            plan.jobs = number(*++a);
        } else if (strcmp(*a, "--beyond") == 0) {
            plan.beyond = true;
        } else if (strcmp(*a, "--trace") == 0) {
            plan.trace = true;
        } else {
            usage();
        }
    }
    if (plan.count == 0 || plan.jobs == 0 || plan.jobs > JOBS_MAX) {
        usage();
    }
    return plan;
}

int main(int argc, char **argv)
{
    (void)argc;
    /* What a stopped node gives back is used again, without the kernel in between. */
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 512 << 20);
    const struct plan plan = parse(argv);
    static struct tally total;
    if (plan.jobs == 1) {
        run_job(&plan, 0, &total);
    } else {
        int pipes[JOBS_MAX];
        for (uint64_t job = 0; job < plan.jobs; job++) {
            spawn(&plan, job, &pipes[job]);
        }
        for (uint64_t job = 0; job < plan.jobs; job++) {
            if (!collect(pipes[job], &total)) {
                (void)fprintf(stderr, "hefu_sim: job %u died\n", (unsigned)job);
                total.violations++;
            }
            (void)close(pipes[job]);
        }
        while (wait(NULL) > 0) {
        }
    }
    print_totals(&plan, &total);
    return total.violations + total.stalls + total.undetected > 0 ? 1 : 0;
}
