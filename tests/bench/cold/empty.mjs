console.log("usr_0");
