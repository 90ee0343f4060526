// SPDX-License-Identifier: BSL-1.0
#include "arguments.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace fleet {
namespace {

struct typed {
    std::string scenario = "outage";
    std::vector<std::string> presets;
    double before = 120, trouble = 180, after = 300, timeout = 60, deadline = 180;
    pipeline_options own;
    coffer::backoff backoff{};
    bool no_quota = false, no_breaker = false;
};

/// CLI::Range takes what is not a number for one in the range.
CLI::Validator from_to(double low, double high) {
    auto const check = [low, high](std::string& text) {
        double value = 0;
        bool const right = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
        std::ostringstream what;
        if (!right) what << '`' << text << "` is not a number from " << low << " to " << high;
        return what.str();
    };
    return CLI::Validator{check, "", ""};
}

duration seconds(double s) { return draws::scaled(1s, s); }

void add_world(CLI::App& app, arguments& a, typed& t) {
    app.add_option("--scenario", t.scenario, "outage, brown-out or 429-storm")->capture_default_str();
    app.add_option("--clients", a.given.clients, "processes, each with policies of its own")
        ->check(from_to(1, 20'000))
        ->capture_default_str();
    app.add_option("--rate", a.given.rate, "calls a minute that each makes")
        ->check(from_to(0.01, 6000))
        ->capture_default_str();
    app.add_option("--seed", a.given.seed, "of all chance; the same seed, the same output")->capture_default_str();
    auto const time = [&](char const* name, double& into, char const* what, double least) {
        app.add_option(name, into, what)->check(from_to(least, 86'400))->type_name("SECONDS")->capture_default_str();
    };
    time("--before", t.before, "that the provider is well at first", 10);
    time("--trouble", t.trouble, "that the trouble lasts", 1);
    time("--after", t.after, "that it is well again", 10);
    time("--timeout", t.timeout, "of one attempt, in every preset", 1);
    time("--deadline", t.deadline, "of a call; an answer after it counts for nothing", 1);
    app.add_option("--headroom", a.given.headroom, "what the provider takes, as a multiple of what is asked")
        ->check(from_to(0.1, 100))
        ->capture_default_str();
    app.add_option("--line", a.given.line, "requests that may wait at the provider, as a multiple of those it works on")
        ->check(from_to(0, 1000))
        ->capture_default_str();
    app.add_option("--preset", t.presets, "naive, backoff, coffer, yours; again for several; all by default");
    app.add_option("--svg", a.svg, "draws the curves")->type_name("FILE.svg");
    app.add_option("--csv", a.csv, "writes the curves, second by second")->type_name("FILE.csv");
}

/// True afterwards if any of them was given.
std::vector<CLI::Option*> add_own(CLI::App& app, typed& t) {
    std::vector<CLI::Option*> all;
    auto const group = "Your own settings (the column `yours`); what is not given is coffer's default";
    auto const add = [&](CLI::Option* o) {
        o->group(group);
        all.push_back(o);
        return o;
    };
    auto const number = [&](char const* name, auto& into, char const* what) {
        add(app.add_option(name, into, what)->capture_default_str());
    };
    auto const time = [&](char const* name, auto set, char const* what) {
        auto const checked = [set](double s) {
            if (!(s >= 0 && s <= 86'400)) throw CLI::ValidationError{"a time is from 0 to 86400 seconds"};
            set(seconds(s));
        };
        add(app.add_option_function<double>(name, checked, what)->type_name("SECONDS"));
    };
    auto& own = t.own;
    number("--attempts", own.retry.attempts, "in all, the first one included");
    number("--max-sends", own.retry.max_sends, "of them not proven unbilled");
    time(
        "--backoff-base", [&t](duration d) { t.backoff.base = d; },
        "the first delay is drawn below it, then it doubles");
    time("--backoff-cap", [&t](duration d) { t.backoff.cap = d; }, "no delay is longer");
    time(
        "--ambiguous-delay", [&own](duration d) { own.retry.ambiguous_delay = d; },
        "before an ambiguous attempt is sent again");
    number("--ambiguous-spread", own.retry.ambiguous_spread, "so many times that is added at random");
    auto const spread = [&own](double part) { own.retry.hint_spread = own.limits.hint_spread = part; };
    add(app.add_option_function<double>("--hint-spread", spread, "this part of a Retry-After is added at random")
            ->check(from_to(0, 1000)));
    number("--quota", own.quota->capacity, "retries that a process saves up");
    number("--quota-per-second", own.quota->per_second, "that it gains");
    number("--quota-per-success", own.quota->per_success, "that an answer gains");
    add(app.add_flag("--no-quota", t.no_quota, "retries without a quota"));
    number("--in-a-row", own.breaker->in_a_row, "failures that open the breaker; 0: none do");
    number("--failure-ratio", own.breaker->failure_ratio, "of failures that opens it");
    number("--minimum", own.breaker->minimum, "ends before the ratio counts");
    number("--probes", own.breaker->probes, "at a time, and successes that close it");
    time("--first-break", [&own](duration d) { own.breaker->breaks.first = d; }, "of the breaker");
    time("--longest-break", [&own](duration d) { own.breaker->breaks.longest = d; }, "of the breaker");
    number("--break-factor", own.breaker->breaks.factor, "of a break to the one before");
    add(app.add_flag("--no-breaker", t.no_breaker, "no circuit breaker"));
    number("--requests-per-minute", own.limits.requests_per_minute, "of each process");
    time("--burst", [&own](duration d) { own.limits.burst = d; }, "so much of that limit at once");
    time("--max-wait", [&own](duration d) { own.limits.max_wait = d; }, "for the rate limit");
    return all;
}

[[noreturn]] void wrong(std::string const& what) { throw nothing_to_run{2, "fleet: " + what + '\n'}; }

std::vector<preset> chosen(typed const& t, bool own_given) {
    auto all = usual_presets();
    if (own_given) all.push_back({"yours", t.own});
    if (t.presets.empty()) return all;
    std::vector<preset> some;
    for (auto const& name : t.presets) {
        auto const known = std::find_if(all.begin(), all.end(), [&](preset const& p) { return p.name == name; });
        if (known == all.end() && name == "yours")
            wrong("--preset yours needs a setting of your own, as --longest-break 30");
        if (known == all.end()) wrong("there is no preset `" + name + "`: it is naive, backoff, coffer or yours");
        some.push_back(*known);
    }
    return some;
}

/// What a pipeline refuses is refused here, before anything has run.
void check_own(pipeline_options const& o) {
    try {
        (void)coffer::retry{o.retry};
        if (o.quota) (void)coffer::retry_quota{*o.quota};
        if (o.breaker) o.breaker->check();
        o.limits.check();
    } catch (std::invalid_argument const& e) {
        wrong(e.what());
    }
}

}  // namespace

arguments read_arguments(std::vector<std::string> const& words) {
    CLI::App app{"A fleet of clients, a provider in trouble, and what retries make of it: in virtual time.", "fleet"};
    arguments a;
    typed t;
    add_world(app, a, t);
    auto const own = add_own(app, t);
    try {
        app.parse(std::vector<std::string>{words.rbegin(), words.rend()});
    } catch (CLI::ParseError const& e) {
        std::ostringstream out, err;
        auto const code = app.exit(e, out, err) == 0 ? 0 : 2;
        throw nothing_to_run{code, out.str() + err.str()};
    }
    auto const what = trouble_from_text(t.scenario);
    if (!what) wrong("there is no scenario `" + t.scenario + "`: it is outage, brown-out or 429-storm");
    a.given.story = {*what, seconds(t.before), seconds(t.trouble), seconds(t.after)};
    a.given.timeout = seconds(t.timeout);
    a.given.deadline = seconds(t.deadline);
    if (t.timeout > t.deadline) wrong("--timeout is longer than --deadline: an attempt may not outlast its call");
    auto const calls = a.given.calls_per_second() * (t.before + t.trouble + t.after);
    if (calls > 5e6)
        wrong("that are " + std::to_string(static_cast<long long>(calls)) +
              " calls; at most 5000000: fewer clients, a lower rate or shorter times");
    t.own.retry.schedule = t.backoff;
    if (t.no_quota) t.own.quota.reset();
    if (t.no_breaker) t.own.breaker.reset();
    check_own(t.own);
    auto const given = std::any_of(own.begin(), own.end(), [](CLI::Option const* o) { return o->count() > 0; });
    a.presets = chosen(t, given);
    return a;
}

}  // namespace fleet
