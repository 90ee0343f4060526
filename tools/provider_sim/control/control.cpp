// SPDX-License-Identifier: BSL-1.0
#include "control/control.hpp"

#include <unistd.h>

#include <array>

#include "base/bad_input.hpp"
#include "base/fields.hpp"
#include "control/ledger_view.hpp"
#include "control/query.hpp"

namespace provider_sim {
namespace {

json body_of(http_request const& request) {
    auto body = json::parse(request.body, nullptr, false);
    if (body.is_discarded()) throw bad_input{"the body is not JSON"};
    return body;
}

http_answer ok(json const& body) { return json_answer(200, to_line(body)); }

http_answer health(world& w, http_request const&) {
    return ok({{"ok", true}, {"pid", ::getpid()}, {"seed", w.seed}, {"seq", w.book.seq()}, {"requests", w.requests}});
}

// {"pid": n, "run": k}: both optional; what is absent is unbound.
http_answer hello(world& w, http_request const& request) {
    auto const body = body_of(request);
    fields f{body, "hello"};
    client_binding fresh;
    if (auto const pid = f.integer("pid", INT64_MIN, INT64_MAX)) fresh.bound = process::find(*pid);
    fresh.run = f.integer("run", 0, INT64_MAX);
    f.finish();
    w.client = fresh;
    return ok({{"pid", fresh.bound ? json(fresh.bound->pid()) : json(nullptr)},
               {"run", fresh.run ? json(*fresh.run) : json(nullptr)}});
}

http_answer list_faults(world& w, http_request const&) { return ok({{"rules", w.rules.list()}}); }

// [rules] replaces; {"mode": "replace" | "append", "rules": [...]}
http_answer set_faults(world& w, http_request const& request) {
    constexpr word_table<bool, 2> modes{{{"replace", false}, {"append", true}}};
    auto const body = body_of(request);
    if (body.is_array()) {
        w.rules.replace(body);
        return list_faults(w, request);
    }
    fields f{body, "faults"};
    bool const append = f.word("mode", modes).value_or(false);
    json const* const rules = f.find("rules");
    f.finish();
    if (rules == nullptr) f.fail("rules", "is missing");
    append ? w.rules.append(*rules) : w.rules.replace(*rules);
    return list_faults(w, request);
}

http_answer show_log(world& w, http_request const&) {
    auto requests = record::array();
    for (auto const& line : w.log) requests.push_back(line);
    return json_answer(200, to_line(record{{"requests", std::move(requests)}}));
}

http_answer mark(world& w, http_request const& request) {
    auto const body = body_of(request);
    fields f{body, "mark"};
    auto const name = f.text("name");
    f.finish();
    if (!name || name->empty()) f.fail("name", "must be a string that is not empty");
    w.book.note_mark(*name, false);
    return ok({{"mark", *name}, {"seq", w.book.seq()}});
}

// Rules, counters, log and client forgotten; the settings stay. The body may be empty, or {"name": "..."}.
http_answer reset_all(world& w, http_request const& request) {
    auto const body = request.body.empty() ? json::object() : body_of(request);
    fields f{body, "reset"};
    auto const name = f.text("name").value_or("reset");
    f.finish();
    w.book.note_mark(name, true);
    w.rules.clear();
    w.client = {};
    w.requests = 0;
    w.log.clear();
    return ok({{"mark", name}, {"seq", w.book.seq()}});
}

http_answer show_config(world& w, http_request const&) { return ok(to_json(w.settings)); }

http_answer set_config(world& w, http_request const& request) {
    w.settings = changed_config(w.settings, body_of(request));
    return show_config(w, request);
}

struct route {
    std::string_view method;
    std::string_view path;
    http_answer (*handle)(world&, http_request const&);
};

constexpr std::array routes{
    route{"GET", "/control/health", &health},      route{"POST", "/control/hello", &hello},
    route{"GET", "/control/faults", &list_faults}, route{"POST", "/control/faults", &set_faults},
    route{"GET", "/control/ledger", &show_ledger}, route{"GET", "/control/log", &show_log},
    route{"POST", "/control/mark", &mark},         route{"POST", "/control/reset", &reset_all},
    route{"GET", "/control/config", &show_config}, route{"POST", "/control/config", &set_config}};

http_answer refusal(unsigned status, std::string const& message) {
    return json_answer(status, to_line(json{{"error", {{"message", message}}}}));
}

}  // namespace

http_answer handle_control(world& shared, http_request const& request) {
    std::string allowed;
    try {
        for (auto const& r : routes) {
            if (r.path != request.path) continue;
            if (r.method == request.method) return r.handle(shared, request);
            allowed += (allowed.empty() ? "" : ", ") + std::string{r.method};
        }
    } catch (bad_input const& error) {
        return refusal(400, error.what());
    }
    if (!allowed.empty()) return refusal(405, request.path + " takes " + allowed);
    return refusal(404, "no such control endpoint: " + request.path);
}

}  // namespace provider_sim
