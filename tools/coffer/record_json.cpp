// SPDX-License-Identifier: BSL-1.0
#include "record_json.hpp"

#include "text.hpp"

#include <coffer/store/record_text.hpp>

#include <optional>

namespace coffer_command {
namespace {

using json = nlohmann::ordered_json;

json time_json(std::chrono::system_clock::time_point when) {
    auto text = iso_time(when);
    return text == "-" ? json{} : json(std::move(text));
}
json cost_json(std::optional<coffer::money> const& cost) { return cost ? json(cost->nano()) : json{}; }

json fault_json(coffer::fault const& f) {
    json j;
    j["kind"] = to_string(f.kind());
    j["execution"] = to_string(f.execution());
    j["billing"] = to_string(f.billing());
    j["status"] = f.status();
    j["code"] = f.code();
    j["request_id"] = f.request_id();
    j["message"] = f.message();
    return j;
}

json send_json(coffer::send_record const& s) {
    json j;
    j["number"] = s.number;
    j["state"] = to_string(s.state);
    j["counts"] = s.counts();
    j["provider"] = s.provider;
    j["model"] = s.model;
    j["permitted_at"] = time_json(s.permitted_at);
    j["ended_at"] = time_json(s.ended_at);
    if (s.reply) {
        j["status"] = s.reply->status;
        j["request_id"] = s.reply->request_id;
        j["cost_nano_usd"] = cost_json(s.reply->cost);
        if (auto const& u = s.reply->usage)
            j["tokens"] = {{"input_fresh", u->input_fresh},
                           {"input_cache_read", u->input_cache_read},
                           {"input_cache_write_5m", u->input_cache_write_5m},
                           {"input_cache_write_1h", u->input_cache_write_1h},
                           {"input_audio", u->input_audio},
                           {"output", u->output},
                           {"output_audio", u->output_audio},
                           {"reasoning", u->reasoning},
                           {"input_image", u->input_image},
                           {"output_image", u->output_image},
                           {"web_searches", u->web_searches},
                           {"tool_calls", u->tool_calls}};
    }
    if (s.why) j["fault"] = fault_json(*s.why);
    return j;
}

}  // namespace

json summary_json(coffer::sqlite::seen_record const& seen) {
    json j;
    j["id"] = coffer::to_text(seen.id);
    j["namespace"] = seen.id.name_space;
    j["state"] = to_string(seen.row.state);
    j["unresolved"] = seen.unresolved;
    j["in_progress"] = seen.busy;
    j["sends"] = seen.row.counted_sends();
    j["known_cost_nano_usd"] = cost_json(seen.row.known_cost());
    j["created"] = time_json(seen.row.created);
    j["updated"] = time_json(seen.row.updated);
    j["expires"] = time_json(seen.row.expires);
    return j;
}

json details_json(coffer::sqlite::seen_record const& seen) {
    auto j = summary_json(seen);
    j["cached"] = seen.row.cached;
    j["claims"] = seen.row.claims;
    j["sends_allowed"] = seen.row.allowed_sends();
    j["granted_by_operators"] = seen.row.granted_sends;
    if (seen.row.stored_fault) j["fault"] = fault_json(*seen.row.stored_fault);
    j["history"] = json::array();
    for (auto const& s : seen.row.sends) j["history"].push_back(send_json(s));
    return j;
}

std::string line_of(json const& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace coffer_command
