// SPDX-License-Identifier: BSL-1.0
#include "control/ledger_view.hpp"

#include <fstream>
#include <sstream>

#include "base/bad_input.hpp"
#include "base/fields.hpp"
#include "control/query.hpp"

namespace provider_sim {
namespace {

using grouping = tally_query::grouping;

constexpr word_table<grouping, 5> grouping_words{{{"key", grouping::key},
                                                  {"run", grouping::run},
                                                  {"pid", grouping::pid},
                                                  {"mark", grouping::mark},
                                                  {"fault", grouping::fault}}};

grouping grouping_of(std::string const& word) {
    for (auto const& [text, meaning] : grouping_words)
        if (text == word) return meaning;
    throw bad_input{"query: group must be key, run, pid, mark or fault, not " + word};
}

http_answer raw_lines(std::filesystem::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream lines;
    lines << in.rdbuf();
    http_answer answer;
    answer.headers.emplace_back("Content-Type", "application/x-ndjson");
    answer.body = std::move(lines).str();
    return answer;
}

}  // namespace

http_answer show_ledger(world& shared, http_request const& request) {
    query_fields const query{request.query, {"group", "mark", "key", "run", "raw"}};
    if (query.find("raw").value_or("0") == "1") return raw_lines(shared.book.path());
    tally_query wanted;
    if (auto const group = query.find("group")) wanted.group = grouping_of(*group);
    wanted.mark = query.find("mark");
    wanted.key = query.find("key");
    wanted.run = query.find("run");
    auto counted = shared.book.count(wanted);
    counted["file"] = shared.book.path().string();
    counted["seq"] = shared.book.seq();
    return json_answer(200, to_line(counted));
}

}  // namespace provider_sim
