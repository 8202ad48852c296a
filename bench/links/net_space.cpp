#include "links/net_space.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace mutirao::bench {

namespace {

constexpr const char* kDevice = "line0";

Error failed(const std::string& what) {
    const int code = errno;
    const bool denied = code == EPERM || code == EACCES;
    return {denied ? ErrorKind::permission_denied : ErrorKind::unavailable,
            "a shaped line needs " + what + ": " + std::strerror(code) +
                (denied ? "; run as root, or in a container with CAP_NET_ADMIN and CAP_SYS_ADMIN"
                        : "")};
}

sockaddr in_sockaddr(const std::string& address) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &in.sin_addr);
    sockaddr out{};
    std::memcpy(&out, &in, sizeof out);
    return out;
}

ifreq named(const char* name) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return request;
}

bool bring_up(int socket, const char* name) {
    auto request = named(name);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

// Gives the device its address and switches it on; a route to the /24 comes with that.
bool configure(const std::string& address) {
    const OwnedFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0 || !bring_up(socket.get(), "lo")) return false;
    auto request = named(kDevice);
    request.ifr_mtu = kMtu;
    if (::ioctl(socket.get(), SIOCSIFMTU, &request) != 0) return false;
    request.ifr_addr = in_sockaddr(address);
    if (::ioctl(socket.get(), SIOCSIFADDR, &request) != 0) return false;
    request.ifr_netmask = in_sockaddr("255.255.255.0");
    if (::ioctl(socket.get(), SIOCSIFNETMASK, &request) != 0) return false;
    return bring_up(socket.get(), kDevice);
}

// On a thread that nobody else uses: it stays inside.
Result<std::pair<OwnedFd, OwnedFd>> make_inside(const std::string& address) {
    if (::unshare(CLONE_NEWNET) != 0) return failed("network namespaces");
    OwnedFd space(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (space.get() < 0) return failed("/proc");
    OwnedFd device(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (device.get() < 0) return failed("/dev/net/tun");
    auto request = named(kDevice);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(device.get(), TUNSETIFF, &request) != 0) return failed("a TUN device");
    if (!configure(address)) return failed("an address on its device");
    return std::pair{std::move(space), std::move(device)};
}

}  // namespace

OwnedFd::~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
}

Result<NetSpace> NetSpace::make(std::uint32_t index) {
    if (index >= 200)
        return Error{ErrorKind::invalid_argument, "a shaped line has at most 200 ends"};
    auto address = "10.77.0." + std::to_string(index + 1);
    Result<std::pair<OwnedFd, OwnedFd>> made = Error{ErrorKind::unavailable, "no thread ran"};
    std::thread([&] { made = make_inside(address); }).join();
    TRY(auto pair, std::move(made));
    return NetSpace(std::move(address), std::move(pair.first), std::move(pair.second));
}

bool NetSpace::enter() const { return ::setns(space_.get(), CLONE_NEWNET) == 0; }

Status NetSpace::run(const std::function<void()>& work) const {
    bool entered = false;
    std::thread([&] {
        entered = enter();
        if (entered) work();
    }).join();
    if (!entered) return failed("to enter its namespace");
    return {};
}

}  // namespace mutirao::bench
