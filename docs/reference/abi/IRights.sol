// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Who owns what, and who may use it
/// @notice Native module at 0x00000000000000000000000000000000006d7503.
interface IRights {
    event AssetRegistered(bytes32 indexed asset, address indexed owner, address indexed sameOwner);
    event LicenceOffered(bytes32 indexed licence, address indexed owner, address indexed licensee);
    event LicenceAccepted(bytes32 indexed licence, address indexed licensee, address indexed owner);
    event LicenceRevoked(bytes32 indexed licence, address indexed owner, address indexed sameOwner);

    /// @notice Registers data of the sender. The asset's id is a hash of owner and content.
    /// @param content Digest of the object's manifest.
    /// @param size Bytes of plaintext.
    /// @param title At most 256 bytes of UTF-8.
    function registerAsset(bytes32 content, uint64 size, string calldata title) external;

    /// @notice The asset's owner offers a licence. Its id is a hash of asset and subject.
    /// @param subject A training run (train), or a provider's address in the last 20 bytes (infer).
    /// @param purpose 1 train, 2 infer.
    /// @param price Wei, paid once, on acceptance.
    /// @param sharePpm Of the later income of the model's side; 0 for infer. All shares of a run
    /// together are at most 900,000.
    /// @param expiresMs Block time in milliseconds since 1970 at which the licence ends.
    function offerLicence(
        bytes32 asset,
        bytes32 subject,
        uint8 purpose,
        uint256 price,
        uint32 sharePpm,
        uint64 expiresMs
    ) external;

    /// @notice The run's builder, or the provider, accepts; the value must be the price.
    function acceptLicence(bytes32 licence) external payable;

    /// @notice The owner ends the licence. What a run used before is still paid its share.
    function revokeLicence(bytes32 licence) external;
}
