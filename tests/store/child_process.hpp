// SPDX-License-Identifier: BSL-1.0
#pragma once
// Other processes that run this same test program in another role, and can be killed.
//
// A role is a function that a test file registers by name; `child{"role", {"argument"}}` runs it in a new process. What
// the child writes to `tell` the parent reads with `listen`.

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace store_test {

using child_arguments = std::vector<std::string>;
using child_role = std::function<int(child_arguments const&)>;

[[nodiscard]] inline std::map<std::string, child_role>& child_roles() {
    static std::map<std::string, child_role> roles;
    return roles;
}

/// Runs the role instead of any test, if this process was started for one.
class child_stage final : public testing::Environment {
public:
    void SetUp() override {
        auto const* const wanted = ::getenv("COFFER_TEST_ROLE");
        if (wanted == nullptr) return;
        child_arguments words(1);
        for (auto const* c = wanted; *c != '\0'; ++c) {
            if (*c == '\n') words.emplace_back();
            else words.back() += *c;
        }
        auto const role = child_roles().at(words[0]);
        words.erase(words.begin());
        ::_exit(role(words));
    }
};

struct register_role {
    register_role(std::string const& name, child_role role) {
        if (child_roles().empty()) testing::AddGlobalTestEnvironment(new child_stage);
        child_roles()[name] = std::move(role);
    }
};

/// In a child: a line to the parent.
inline void tell(std::string const& line) {
    auto const text = line + "\n";
    if (::write(3, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(99);
}

class child {
public:
    child(std::string const& role, child_arguments const& arguments) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"pipe2"};
        heard_ = ends[0];
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
        ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);  // GoogleTest's greetings
        std::string wanted = "COFFER_TEST_ROLE=" + role;
        for (auto const& a : arguments) wanted += "\n" + a;
        std::vector<char*> environment;
        for (auto** e = environ; *e != nullptr; ++e) environment.push_back(*e);
        environment.push_back(wanted.data());
        environment.push_back(nullptr);
        std::string self = "/proc/self/exe";
        std::string filter = "--gtest_filter=*";  // a stage is set only if there are tests
        char* const argv[] = {self.data(), filter.data(), nullptr};
        auto const failed = ::posix_spawn(&pid_, self.c_str(), &actions, nullptr, argv, environment.data());
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        if (failed != 0) throw std::runtime_error{"posix_spawn"};
    }
    child(child const&) = delete;
    child& operator=(child const&) = delete;
    ~child() {
        if (pid_ > 0) {
            kill(SIGKILL);
            (void)wait();
        }
        ::close(heard_);
    }

    /// The next line that the child told; empty at its end.
    [[nodiscard]] std::string listen() {
        std::string line;
        for (char c = 0; ::read(heard_, &c, 1) == 1 && c != '\n';) line += c;
        return line;
    }
    void kill(int signal) const { ::kill(pid_, signal); }
    /// Waits until it is stopped; false if it ends instead.
    [[nodiscard]] bool wait_stopped() const {
        siginfo_t info{};
        while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) != 0 && errno == EINTR) {
        }
        return info.si_code == CLD_STOPPED;
    }
    /// Waits for its end: the exit code, or minus the signal.
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }

private:
    pid_t pid_ = -1;
    int heard_ = -1;
};

}  // namespace store_test
