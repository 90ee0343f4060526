// SPDX-License-Identifier: BSL-1.0
#include "support/sim_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace provider_sim::test {
namespace {

// Forks and executes the program with its output in the given descriptors.
pid_t spawn(std::vector<std::string> const& arguments, int out, int err) {
    std::vector<char*> argv;
    std::string program = PROVIDER_SIM_PROGRAM;
    argv.push_back(program.data());
    auto copies = arguments;
    for (auto& argument : copies) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t const pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing running
    ::dup2(out, STDOUT_FILENO);
    if (err >= 0) ::dup2(err, STDERR_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
}

class pipe_pair {
public:
    pipe_pair() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    }
    ~pipe_pair() {
        ::close(ends_[0]);
        close_write();
    }
    pipe_pair(pipe_pair const&) = delete;
    pipe_pair& operator=(pipe_pair const&) = delete;
    [[nodiscard]] int write_end() const { return ends_[1]; }
    void close_write() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }
    std::string read(char until) {
        std::string text;
        for (char c = 0; ::read(ends_[0], &c, 1) == 1;) {
            text.push_back(c);
            if (c == until) break;
        }
        return text;
    }

private:
    std::array<int, 2> ends_{};
};

}  // namespace

temporary_directory::temporary_directory() {
    // In memory, where that is to be had: these tests kill processes, not the power, and a busy disk makes them slow.
    std::filesystem::path const memory = "/dev/shm";
    auto const base = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    auto pattern = (base / "provider_sim_test.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
    path_ = pattern;
}

temporary_directory::~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

sim_process::sim_process(std::vector<std::string> arguments) : arguments_{std::move(arguments)} { start(); }

sim_process::~sim_process() {
    if (pid_ > 0) end(SIGKILL);
}

void sim_process::start() {
    std::vector<std::string> all{"--port", "0", "--ledger", ledger().string()};
    all.insert(all.end(), arguments_.begin(), arguments_.end());
    pipe_pair out;
    pid_ = spawn(all, out.write_end(), -1);
    out.close_write();
    auto const line = out.read('\n');
    auto const colon = line.rfind(':');
    if (!line.starts_with("listening on http://") || colon == std::string::npos)
        throw std::runtime_error{"provider_sim did not start: " + line};
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
}

int sim_process::end(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
}

json sim_process::post_control(std::string const& path, json const& body) const {
    auto const response = ask(post(path, body.dump()));
    if (response.status != 200) throw std::runtime_error{path + ": " + response.body};
    return response.parsed();
}

json sim_process::get_control(std::string const& path) const {
    auto const response = ask(get(path));
    if (response.status != 200) throw std::runtime_error{path + ": " + response.body};
    return response.parsed();
}

wire_response sim_process::ask(std::string const& request) const {
    wire_client client{port_};
    client.send(request);
    return client.response();
}

wire_bytes sim_process::ask_raw(std::string const& request) const {
    wire_client client{port_};
    client.send(request);
    return client.receive_all();
}

std::vector<json> sim_process::lines(std::string const& kind) const {
    std::ifstream in{ledger()};
    std::vector<json> found;
    for (std::string line; std::getline(in, line);) {
        auto parsed = json::parse(line, nullptr, false);  // the last one may be in the middle of being written
        if (parsed.is_object() && parsed["kind"] == kind) found.push_back(std::move(parsed));
    }
    return found;
}

std::vector<json> sim_process::lines(std::string const& kind, std::size_t count) const {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (true) {
        auto found = lines(kind);
        if (found.size() >= count) return found;
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error{"only " + std::to_string(found.size()) + " lines of kind " + kind};
        std::this_thread::sleep_for(std::chrono::milliseconds{1});  // between two looks; nothing is assumed of it
    }
}

program_result run_program(std::vector<std::string> const& arguments) {
    pipe_pair out;
    pipe_pair err;
    pid_t const pid = spawn(arguments, out.write_end(), err.write_end());
    out.close_write();
    err.close_write();
    program_result result;
    result.out = out.read('\0');
    result.err = err.read('\0');
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    return result;
}

}  // namespace provider_sim::test
