/* SPDX-License-Identifier: MIT */
/* heph.js - the navigation shows where one is, however long it is */
document.addEventListener("DOMContentLoaded", () => {
	const list = document.querySelector(".sidebar-scroll");
	const here = list && list.querySelector(".current-page");

	if (here)
		list.scrollTop += here.getBoundingClientRect().top -
			list.getBoundingClientRect().top - list.clientHeight / 2;
});
