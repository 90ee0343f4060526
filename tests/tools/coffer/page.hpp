// SPDX-License-Identifier: BSL-1.0
#pragma once
// What docs/coffer.md shows of the command's output.

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <utility>

namespace command_tests {

/// The first sample of output under a heading of the page, indented as it is there.
inline std::string sample(std::string const& heading) {
    std::ifstream in{std::filesystem::path{COFFER_DOCS} / "coffer.md"};
    std::string text;
    std::string gap;  // empty lines, which belong to it if more follows
    bool there = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("## ")) there = line == "## " + heading;
        if (!there) continue;
        if (line.starts_with("    ")) text += std::exchange(gap, "") + line + "\n";
        else if (!text.empty() && !line.empty()) break;
        else if (!text.empty()) gap += "\n";
    }
    return text;
}

/// A text without what is another one each time: times, digests, the store's directory.
inline std::string alike(std::string text) {
    text = std::regex_replace(text, std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"}, "TIME");
    text = std::regex_replace(text, std::regex{R"((:|message )[0-9a-f]{4,}(…|\b))"}, "$1DIGEST");
    return std::regex_replace(text, std::regex{R"([^ ]*/coffer\.db)"}, "coffer.db");
}
/// A sample likewise, and as it is printed.
inline std::string sample_alike(std::string const& heading) {
    return alike(std::regex_replace(sample(heading), std::regex{"(^|\n) {4}"}, "$1"));
}

}  // namespace command_tests
