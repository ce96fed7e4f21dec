-- A shop of digital music, in the shape of Chinook on MariaDB.
CREATE TABLE `Artist` (`ArtistId` INT NOT NULL AUTO_INCREMENT, `Name` NVARCHAR(120),
    CONSTRAINT `PK_Artist` PRIMARY KEY (`ArtistId`));
CREATE TABLE `Album` (`AlbumId` INT NOT NULL AUTO_INCREMENT, `Title` NVARCHAR(160) NOT NULL, `ArtistId` INT NOT NULL,
    CONSTRAINT `PK_Album` PRIMARY KEY (`AlbumId`),
    CONSTRAINT `FK_AlbumArtistId` FOREIGN KEY (`ArtistId`) REFERENCES `Artist` (`ArtistId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE TABLE `Employee` (`EmployeeId` INT NOT NULL AUTO_INCREMENT, `LastName` NVARCHAR(20) NOT NULL,
    `FirstName` NVARCHAR(20) NOT NULL, `Title` NVARCHAR(30), `ReportsTo` INT, `BirthDate` DATETIME,
    `HireDate` DATETIME, `PostalCode` NVARCHAR(10), `Email` NVARCHAR(60),
    CONSTRAINT `PK_Employee` PRIMARY KEY (`EmployeeId`),
    CONSTRAINT `FK_EmployeeReportsTo` FOREIGN KEY (`ReportsTo`) REFERENCES `Employee` (`EmployeeId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE TABLE `Customer` (`CustomerId` INT NOT NULL AUTO_INCREMENT, `FirstName` NVARCHAR(40) NOT NULL,
    `LastName` NVARCHAR(20) NOT NULL, `Company` NVARCHAR(80), `Country` NVARCHAR(40),
    `Email` NVARCHAR(60) NOT NULL, `SupportRepId` INT, CONSTRAINT `PK_Customer` PRIMARY KEY (`CustomerId`),
    CONSTRAINT `FK_CustomerSupportRepId` FOREIGN KEY (`SupportRepId`) REFERENCES `Employee` (`EmployeeId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE TABLE `Genre` (`GenreId` INT NOT NULL AUTO_INCREMENT, `Name` NVARCHAR(120),
    CONSTRAINT `PK_Genre` PRIMARY KEY (`GenreId`));
CREATE TABLE `MediaType` (`MediaTypeId` INT NOT NULL AUTO_INCREMENT, `Name` NVARCHAR(120),
    CONSTRAINT `PK_MediaType` PRIMARY KEY (`MediaTypeId`));
CREATE TABLE `Invoice` (`InvoiceId` INT NOT NULL AUTO_INCREMENT, `CustomerId` INT NOT NULL,
    `InvoiceDate` DATETIME NOT NULL, `BillingCity` NVARCHAR(40), `Total` NUMERIC(10,2) NOT NULL,
    CONSTRAINT `PK_Invoice` PRIMARY KEY (`InvoiceId`),
    CONSTRAINT `FK_InvoiceCustomerId` FOREIGN KEY (`CustomerId`) REFERENCES `Customer` (`CustomerId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE TABLE `Track` (`TrackId` INT NOT NULL AUTO_INCREMENT, `Name` NVARCHAR(200) NOT NULL, `AlbumId` INT,
    `MediaTypeId` INT NOT NULL, `GenreId` INT, `Composer` NVARCHAR(220), `Milliseconds` INT NOT NULL,
    `Bytes` INT, `UnitPrice` NUMERIC(10,2) NOT NULL, CONSTRAINT `PK_Track` PRIMARY KEY (`TrackId`),
    CONSTRAINT `FK_TrackAlbumId` FOREIGN KEY (`AlbumId`) REFERENCES `Album` (`AlbumId`) ON DELETE NO ACTION ON UPDATE NO ACTION,
    CONSTRAINT `FK_TrackGenreId` FOREIGN KEY (`GenreId`) REFERENCES `Genre` (`GenreId`) ON DELETE NO ACTION ON UPDATE NO ACTION,
    CONSTRAINT `FK_TrackMediaTypeId` FOREIGN KEY (`MediaTypeId`) REFERENCES `MediaType` (`MediaTypeId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE TABLE `InvoiceLine` (`InvoiceLineId` INT NOT NULL AUTO_INCREMENT, `InvoiceId` INT NOT NULL,
    `TrackId` INT NOT NULL, `UnitPrice` NUMERIC(10,2) NOT NULL, `Quantity` INT NOT NULL,
    CONSTRAINT `PK_InvoiceLine` PRIMARY KEY (`InvoiceLineId`),
    CONSTRAINT `FK_InvoiceLineInvoiceId` FOREIGN KEY (`InvoiceId`) REFERENCES `Invoice` (`InvoiceId`) ON DELETE NO ACTION ON UPDATE NO ACTION,
    CONSTRAINT `FK_InvoiceLineTrackId` FOREIGN KEY (`TrackId`) REFERENCES `Track` (`TrackId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE TABLE `Playlist` (`PlaylistId` INT NOT NULL AUTO_INCREMENT, `Name` NVARCHAR(120),
    CONSTRAINT `PK_Playlist` PRIMARY KEY (`PlaylistId`));
CREATE TABLE `PlaylistTrack` (`PlaylistId` INT NOT NULL, `TrackId` INT NOT NULL,
    CONSTRAINT `PK_PlaylistTrack` PRIMARY KEY (`PlaylistId`, `TrackId`),
    CONSTRAINT `FK_PlaylistTrackPlaylistId` FOREIGN KEY (`PlaylistId`) REFERENCES `Playlist` (`PlaylistId`) ON DELETE NO ACTION ON UPDATE NO ACTION,
    CONSTRAINT `FK_PlaylistTrackTrackId` FOREIGN KEY (`TrackId`) REFERENCES `Track` (`TrackId`) ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE INDEX `IFK_AlbumArtistId` ON `Album` (`ArtistId`);
CREATE INDEX `IFK_InvoiceLineTrackId` ON `InvoiceLine` (`TrackId`);
CREATE INDEX `IFK_PlaylistTrackTrackId` ON `PlaylistTrack` (`TrackId`);
INSERT INTO Artist VALUES (1, 'Ada & Söhne');
INSERT INTO Album VALUES (1, 'One', 1);
INSERT INTO Employee VALUES (1, 'Boss', 'Big', NULL, NULL, '1962-02-18 00:00:00', '2002-08-14 00:00:00', 'T5K 2N1', NULL);
INSERT INTO Employee VALUES (2, 'Rep', 'Small', 'Agent', 1, NULL, '2003-08-14 00:00:00', NULL, 'r@example.org');
INSERT INTO Customer VALUES (1, 'Luís', 'G', NULL, 'Brazil', 'l@example.org', 2);
INSERT INTO Genre VALUES (1, 'Rock');
INSERT INTO MediaType VALUES (1, 'File');
INSERT INTO Invoice VALUES (1, 1, '2009-01-01 00:00:00', NULL, 1.98);
INSERT INTO Track VALUES (1, 'First', 1, 1, 1, NULL, 343719, 11170334, 0.99);
INSERT INTO InvoiceLine VALUES (1, 1, 1, 0.99, 2);
INSERT INTO Playlist VALUES (1, 'All');
INSERT INTO PlaylistTrack VALUES (1, 1);
