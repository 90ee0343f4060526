// SPDX-License-Identifier: BSL-1.0
#pragma once
// Child processes: started, waited for, and never left behind.

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace retry_storm {

/// How a process ended.
struct ending {
    int code = 0;    ///< its exit code, if it ended by itself
    int signal = 0;  ///< what killed it, if something did
};

/// A running child. Killed and reaped by the destructor.
class process {
public:
    explicit process(std::vector<std::string> const& command) {
        std::vector<char*> argv;
        for (auto const& word : command) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error{std::string{"fork: "} + std::strerror(errno)};
        if (pid_ == 0) {
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    process(process const&) = delete;
    process& operator=(process const&) = delete;
    ~process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] ending wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0)
            if (errno != EINTR) throw std::runtime_error{std::string{"waitpid: "} + std::strerror(errno)};
        pid_ = -1;
        if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
        return {WEXITSTATUS(status), 0};
    }

    [[nodiscard]] bool running() {
        int status = 0;
        if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) pid_ = -1;
        return pid_ > 0;
    }

private:
    pid_t pid_ = -1;
};

}  // namespace retry_storm
