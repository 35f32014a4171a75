// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// A token for tests: anybody may make units, transfer takes a fee if one is set.
contract TestToken {
    mapping(address => uint256) public balanceOf;
    uint8 public immutable decimals;
    uint256 public fee;
    mapping(address => bool) public barred;
    string public constant symbol = "TEST";
    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint8 digits) { decimals = digits; }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function setFee(uint256 units) external { fee = units; }

    function setBarred(address who, bool yes) external { barred[who] = yes; }

    function transfer(address to, uint256 value) external returns (bool) {
        require(!barred[to], "barred");
        require(balanceOf[msg.sender] >= value, "too little");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - fee;
        emit Transfer(msg.sender, to, value - fee);
        return true;
    }

    /// Several transfers in one transaction, as a Safe makes them.
    function transferMany(address[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) {
            require(balanceOf[msg.sender] >= values[i], "too little");
            balanceOf[msg.sender] -= values[i];
            balanceOf[to[i]] += values[i];
            emit Transfer(msg.sender, to[i], values[i]);
        }
    }

    receive() external payable {}

    /// The chain's own coin, from this contract to several, as a Safe sends it.
    function sendMany(address payable[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) {
            (bool sent, ) = to[i].call{value: values[i]}("");
            require(sent, "not sent");
        }
    }
}
