// SPDX-License-Identifier: MIT
#pragma once

// The devices that share the work and the links between them, as measured profiles. The order of the devices
// is their rank. Devices and links may differ from each other.

#include <iop/core/fixed_vector.hpp>
#include <iop/spec/units.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace iop {

struct device {
  std::string_view name{};       ///< appears in messages and tables
  compute_rate compute{};        ///< sustained on convolutions, one inference at a time
  byte_rate memory_bandwidth{};  ///< sustained, reading
  byte_count memory{};           ///< for weights and arena together
  /// Floats of a vector: so many output channels take as long as one. Channels are cut in multiples of this
  /// where there are enough of them.
  std::size_t channel_step = 1;
  /// Of convolutions by Winograd's algorithm, in the operations that the direct form would take; 0: not used.
  compute_rate winograd{};
  compute_rate depthwise{};  ///< of depthwise convolutions; 0: `compute`
  compute_rate narrow{};  ///< of convolutions that read up to four channels, as a first layer; 0: `compute`
  /// Multiply-adds with padding take no time where `compute` is the rate. True of this library's kernels, and
  /// assumed by no published model: so only measured profiles say it.
  bool skips_padding = false;
  friend constexpr bool operator==(const device&, const device&) = default;
};

struct link {
  byte_rate bandwidth{};
  duration message{};          ///< set-up and latency of one message
  bool shared_medium = false;  ///< all links share one channel (Wi-Fi)
  friend constexpr bool operator==(const link&, const link&) = default;
};

template <class... Parts>
inline constexpr bool are_devices_and_links = ((std::is_same_v<Parts, device> ||
                                                std::is_same_v<Parts, link>)&&...);
template <class... Parts>
inline constexpr std::size_t device_count = (std::size_t{std::is_same_v<Parts, device>} + ... + 0);
/// Devices, and one link behind them.
template <class First, class... Rest>
inline constexpr bool is_link_last = std::is_same_v<First, device>&& is_link_last<Rest...>;
template <class Last>
inline constexpr bool is_link_last<Last> = std::is_same_v<Last, link>;

/// Up to `Capacity` devices. Written `cluster{camera, hub, sensor, wifi}`: devices first, then the link that
/// joins each pair; `with_link(a, b, cable)` then replaces single links.
template <std::size_t Capacity>
struct cluster {
  fixed_vector<device, Capacity> devices;
  link links[Capacity][Capacity]{};

  constexpr cluster() = default;

  template <class... Parts>
  requires(sizeof...(Parts) > 1 && are_devices_and_links<Parts...> &&
           device_count<Parts...> == Capacity) constexpr explicit cluster(const Parts&... parts) {
    static_assert(
        is_link_last<Parts...>,
        "iop: a cluster is its devices and then the link that joins them: cluster{camera, hub, wifi}.");
    (add(parts), ...);
    (join(parts), ...);
  }

  constexpr std::size_t size() const { return devices.size(); }
  constexpr bool shared_medium() const { return links[0][0].shared_medium; }
  constexpr const link& between(std::size_t from, std::size_t to) const { return links[from][to]; }

  constexpr void connect_all(const link& joint) {
    for (std::size_t a = 0; a < size(); ++a)
      for (std::size_t b = 0; b < size(); ++b) links[a][b] = joint;
  }

  /// The same cluster with another link between ranks a and b.
  constexpr cluster with_link(std::size_t a, std::size_t b, const link& joint) const {
    cluster changed = *this;
    changed.links[a][b] = changed.links[b][a] = joint;
    return changed;
  }

  friend constexpr bool operator==(const cluster&, const cluster&) = default;

 private:
  // First all devices, so that a link that is not last, which is an error already, is no second one.
  constexpr void add(const device& next) { devices.push_back(next); }
  constexpr void add(const link&) {}
  constexpr void join(const device&) {}
  constexpr void join(const link& joint) { connect_all(joint); }
};

template <class... Parts>
requires(sizeof...(Parts) > 1 && are_devices_and_links<Parts...>) cluster(const Parts&...)
->cluster<device_count<Parts...>>;

}  // namespace iop
