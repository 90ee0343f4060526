// SPDX-License-Identifier: BSL-1.0
#include "process/process.hpp"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/bad_input.hpp"

namespace provider_sim {
namespace {

struct stat_line {
    char state = '?';
    std::uint64_t start_time = 0;
};

// The command's name may hold blanks and parentheses: the fields begin after the last one.
std::optional<stat_line> read_stat(std::string const& path) {
    std::ifstream in{path};
    std::string text;
    if (!std::getline(in, text)) return std::nullopt;
    auto const name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream rest{text.substr(name_end + 1)};
    stat_line stat;
    rest >> stat.state;
    std::string skipped;
    for (int field = 4; field < 22; ++field) rest >> skipped;
    rest >> stat.start_time;
    return rest ? std::optional{stat} : std::nullopt;
}

std::string proc(pid_t pid) { return "/proc/" + std::to_string(pid); }

std::optional<uid_t> owner_of(pid_t pid) {
    std::ifstream in{proc(pid) + "/status"};
    for (std::string word; in >> word;)
        if (uid_t uid{}; word == "Uid:" && in >> uid) return uid;
    return std::nullopt;
}

bool ended(char state) { return state == 'Z' || state == 'X' || state == 'x'; }

bool every_thread(pid_t pid, bool (*is)(char state)) {
    std::error_code error;
    for (auto it = std::filesystem::directory_iterator{proc(pid) + "/task", error};
         !error && it != std::filesystem::directory_iterator{}; it.increment(error)) {
        auto const stat = read_stat(it->path().string() + "/stat");
        if (stat && !is(stat->state)) return false;
    }
    return true;
}

}  // namespace

process process::find(std::int64_t pid) {
    auto const name = "pid " + std::to_string(pid);
    if (pid <= 1 || pid > INT32_MAX) throw bad_input{name + " is no process that may be signalled"};
    auto const number = static_cast<pid_t>(pid);
    if (number == ::getpid()) throw bad_input{name + " is the simulator itself"};
    auto const stat = read_stat(proc(number) + "/stat");
    auto const owner = owner_of(number);
    if (!stat || !owner || ended(stat->state)) throw bad_input{name + " does not run"};
    if (*owner != ::geteuid()) throw bad_input{name + " belongs to another user"};
    return {number, stat->start_time};
}

bool process::gone() const {
    auto const stat = read_stat(proc(pid_) + "/stat");
    if (!stat || stat->start_time != start_time_) return true;
    // The first thread may be a zombie while others still die, and hold the sockets until they have.
    return every_thread(pid_, ended);
}

bool process::stopped() const {
    return !gone() && every_thread(pid_, [](char state) { return state == 'T' || state == 't' || ended(state); });
}

bool process::signal(int number) const { return !gone() && ::kill(pid_, number) == 0; }

}  // namespace provider_sim
